export { createTestServer, type TestServer, type TestServerOptions } from './create-test-server.js'
export { SimulatedDisk } from '@rivulet/filestore/simulation'
export { VirtualClock } from '@rivulet/store-types'
