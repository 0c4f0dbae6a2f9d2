// @ts-nocheck: runs in a page or on a library that is installed elsewhere
/** Answers the prompts of a task with Transformers.js, in Node and in a page alike. */
export async function answers({ AutoModelForCausalLM, AutoTokenizer, Tensor }, name, task) {
  const tokenizer = await AutoTokenizer.from_pretrained(name)
  const model = await AutoModelForCausalLM.from_pretrained(name, task.device ? { device: task.device } : {})
  const tokens = []
  for (const { text, tokens: ids } of task.prompts) {
    const own = tokenizer.encode(text, { add_special_tokens: false })
    if (own.join() !== ids.join()) throw new Error(`the tokenizer differs: ${own} and ${ids}`)
    const dims = [1, ids.length]
    const sequence = await model.generate({
      input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), dims),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), dims),
      max_new_tokens: task.maxTokens,
      do_sample: false,
    })
    tokens.push([...sequence.data].slice(ids.length).map(Number))
  }
  const chat = tokenizer.apply_chat_template([{ role: 'user', content: task.questions[0] }], {
    tokenize: false,
    add_generation_prompt: true,
  })
  if (chat !== task.prompts[0].text) throw new Error(`the chat template differs: ${JSON.stringify(chat)}`)
  return { tokens, batch: await leftPadded(tokenizer, model, task, Tensor) }
}

/** The first two prompts in one batch, the shorter one padded on the left. */
async function leftPadded(tokenizer, model, task, Tensor) {
  const [a, b] = task.prompts.map(({ tokens }) => tokens)
  const width = Math.max(a.length, b.length)
  const pad = (ids, value) => [...new Array(width - ids.length).fill(value), ...ids]
  const rows = [a, b]
  const tensor = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [2, width])
  const sequences = await model.generate({
    input_ids: tensor(rows.flatMap((ids) => pad(ids, task.stop[0]))),
    attention_mask: tensor(rows.flatMap((ids) => pad(ids.map(() => 1), 0))),
    max_new_tokens: task.maxTokens,
    do_sample: false,
  })
  const length = sequences.dims[1]
  const all = [...sequences.data].map(Number)
  return rows.map((_, i) => all.slice(i * length + width, (i + 1) * length))
}
