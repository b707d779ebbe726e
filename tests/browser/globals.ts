/** What the page of `serve.ts` makes global. */
declare global {
  const ocellus: typeof import('../../src/host/platform/browser.js')
  const decodePicture: typeof import('../../src/host/platform/browser/picture.js')['decodePicture']
}

export {}
