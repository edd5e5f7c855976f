import { MessageView } from '../message-view.js'

/**
 * A message as a store gives it out: a view into the store's cache, valid until the next call into
 * that store. Has no reply subject of its own; a consumer sets one before it sends the view on.
 */
export class StoredMessage extends MessageView {
  sequence = 0
  seconds = 0
  nanoseconds = 0
}
