/** One message of a conversation, as chat templates read it. */
export interface ChatMessage {
  readonly role: string
  readonly content: string
  /** Thinking that is separate from the content. */
  readonly reasoning_content?: string
  /** Calls of tools, in OpenAI's form, with the arguments as an object. */
  readonly tool_calls?: readonly unknown[]
  /** In a tool's message: the name of the tool, and the call that it answers. */
  readonly name?: string
  readonly tool_call_id?: string
}
