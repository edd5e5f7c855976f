import { MessageView } from '@rivulet/store-types'

/**
 * A message as a client published it. Besides the view it knows where the frame's own
 * `<sizes>CR LF body CR LF` lies, so that a delivery copies that in one piece, digits as the
 * publisher wrote them.
 */
export class WireMessage extends MessageView {
  /** In bodyBytes; 0: the sizes have to be written anew. */
  tailOffset = 0
}
