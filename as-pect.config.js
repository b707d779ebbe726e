export default {
  entries: process.env.ASPECT_ENTRIES?.split(',') ?? ['assembly/__tests__/**/*.spec.ts'],
  include: ['assembly/__tests__/**/*.include.ts'],
  disclude: [/node_modules/],
  reporter: 'scripts/aspect-reporter.mjs',
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }))
  },
  outputBinary: false,
}
