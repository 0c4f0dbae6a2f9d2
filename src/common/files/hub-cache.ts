import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder for downloads: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE` (its older name), or `hub` in `HF_HOME`. */
export function hubCache(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env
  return expand(HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(hubHome(), 'hub'))
}

/** The folder of Hugging Face's tools: `HF_HOME`, or `huggingface` in the user's cache. */
export function hubHome(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env
  return expand(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'))
}

/** Replaces `~` at the beginning, and `$NAME` or `${NAME}` where that variable is set. */
export function expand(path: string): string {
  return path
    .replace(/^~(?=[/\\]|$)/, () => homedir())
    .replace(/\$(?:(\w+)|\{(\w+)\})/g, (text, bare, braced) => process.env[bare ?? braced] ?? text)
}
