/** What programs use of the tools, beside the runtime. Import it from 'ocellus/tools', in Node. */
export type { OnnxOptions } from './onnx/read.js'
export { type OpenOptions, openModel } from './quantize/readers/open.js'
