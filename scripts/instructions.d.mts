import type * as contract from '../src/host/program/index.js'

export declare const enginePath: string
export declare const docsPath: string
export declare function engineFile(from: typeof contract): string
export declare function docsFile(text: string, from: typeof contract): string
