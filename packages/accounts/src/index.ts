export { Account } from './account.js'
export { Accounts, GLOBAL_ACCOUNT_NAME, SYSTEM_ACCOUNT_NAME } from './accounts.js'
export type { Authenticator, ConnectionFacts, Credentials, Identity } from './auth/authenticator.js'
export {
  AuthenticationOptionsError,
  createAuthenticator,
  type AuthenticationOptions,
  type ConfiguredUser,
} from './auth/configured-authenticator.js'
export type { PermissionSet } from './auth/permission-set.js'
export { isEmptyRoute, type Route } from './subscriptions/route.js'
export { SubscriptionList, type InterestWatcher } from './subscriptions/subscription-list.js'
export {
  internalPublisher,
  Subscription,
  type ClientInfo,
  type MessageSink,
  type Publisher,
} from './subscriptions/subscription.js'
