export { type Assessment, assess } from './assess.ts'
export { assistant } from './assistant.ts'
export { type Answer, demonstrate } from './demonstrate.ts'
export { general } from './general.ts'
