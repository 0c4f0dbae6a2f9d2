export type { Message as ChatMessage } from '../thinking/model.ts'
