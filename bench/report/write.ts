import { join } from 'node:path'
import { writeWhole } from '../../src/host/platform/node/write.js'
import { kernelsMarkdown, markdown } from './markdown.js'
import { plots } from './plots.js'
import type { KernelsReport, Report } from './report.js'

/**
 * Writes a report as JSON, as a page and as plots, named by the model; tells the files. Throws
 * E_FILE_WRITE.
 */
export function writeReport(report: Report, folder: string, command: string): string[] {
  const { model, input } = report
  const size = input.length === 2 ? `${input[1]}x${input[0]}` : input.slice(1).join('x')
  const stem = `${model}-${size}`.replace(/[^\w.-]+/g, '_')
  const drawn = plots(report).map(({ name, title, svg }) => ({ title, svg, file: `${stem}.${name}.svg` }))
  const links = drawn.map(({ title, file }) => [title, file] as const)
  const files: [name: string, content: string][] = [
    [`${stem}.json`, json(report)],
    [`${stem}.md`, markdown(report, command, links)],
    ...drawn.map(({ file, svg }): [string, string] => [file, svg]),
  ]
  return writeFiles(folder, files)
}

export function writeKernelsReport(report: KernelsReport, folder: string, command: string): string[] {
  return writeFiles(folder, [
    ['kernels.json', json(report)],
    ['kernels.md', kernelsMarkdown(report, command)],
  ])
}

const json = (report: unknown): string => `${JSON.stringify(report, null, 2)}\n`

function writeFiles(folder: string, files: readonly (readonly [name: string, content: string])[]): string[] {
  for (const [name, content] of files) writeWhole(join(folder, name), content)
  return files.map(([name]) => join(folder, name))
}
