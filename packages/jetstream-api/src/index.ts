export { JetStreamApi, type JetStreamApiOptions } from './jetstream-api.js'
