/** A client of Tinker servers, and the messages of their protocol. */

export * from './client/index.ts'
export * from './protocol/index.ts'
