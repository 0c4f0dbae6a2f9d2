/** The messages of the Tinker protocol, for clients and servers. */

export {
  decodeForwardBackwardOutput,
  decodeForwardBackwardRequest,
  decodeSampleResponse,
  encodeForwardBackwardOutput,
  encodeForwardBackwardRequest,
  encodeSampleResponse,
  ProtocolError,
} from './codec.ts'
export * from './messages.ts'
