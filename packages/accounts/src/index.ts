export { Account } from './account.js'
export { isEmptyRoute, type Route } from './subscriptions/route.js'
export { SubscriptionList } from './subscriptions/subscription-list.js'
export {
  internalPublisher,
  Subscription,
  type ClientInfo,
  type MessageSink,
  type Publisher,
} from './subscriptions/subscription.js'
