import { kernelSections } from './kernels.js'
import type { KernelsReport, Report } from './report.js'
import { headline, type Section, sections } from './tables.js'

type Links = readonly (readonly [title: string, file: string])[]

/** The report as a page. `plots` are titles and file names beside it. */
export function markdown(report: Report, command: string, plots: Links): string {
  return page(report, headline(report), command, plots, sections(report))
}

export function kernelsMarkdown(report: KernelsReport, command: string): string {
  const title = `Kernels on ${report.machine.board ?? report.machine.cpu}, Node ${report.machine.node}`
  return page(report, title, command, [], kernelSections(report))
}

function page(
  report: Measured,
  title: string,
  command: string,
  plots: Links,
  tables: readonly Section[],
): string {
  const parts = [
    `# ${title}`,
    `\`\`\`\n${command}\n\`\`\``,
    ...plots.map(([name, file]) => `![${name}](${encodeURI(file)})`),
    list(facts(report)),
    ...tables.map(sectionMarkdown),
  ]
  return `${parts.join('\n\n')}\n`
}

type Measured = Pick<Report, 'machine' | 'source' | 'started' | 'conditions' | 'peaks'>

function facts({ machine, conditions, peaks, started, source }: Measured) {
  const { before, after } = conditions
  const builds = Object.entries(source.builds).map(([build, hash]) => `${build} ${hash}`)
  const rates = peaks.map(({ kind, gmacs }) => `${kind} ${gmacs.toFixed(1)}`)
  const found: (readonly [string, string | undefined])[] = [
    ['board', machine.board],
    ['processor', `${machine.cpu}, ${machine.cores} cores (${machine.features.join(', ') || machine.arch})`],
    ['system', `${machine.os} ${machine.arch}, ${machine.memoryMiB} MiB`],
    ['governor', machine.governor],
    ['Node, V8', `${machine.node}, ${machine.v8}`],
    ['temperature', range(before.celsius, after.celsius, ' °C')],
    ['clock', range(average(before.mhz), average(after.mhz), ' MHz')],
    ['throttled', after.throttled && (after.throttled.join(', ') || 'no')],
    ['other load', range(before.load, after.load, '')],
    ['commit', source.commit],
    ['engine', builds.join(', ')],
    ['peak', `${rates.join(', ')} GMAC/s a thread`],
    ['measured', started],
  ]
  return found
}

const list = (facts: readonly (readonly [string, string | undefined])[]): string =>
  ['| | |', '|---|---|', ...facts.flatMap(([key, value]) => (value ? [row([key, value])] : []))].join('\n')

function sectionMarkdown({ title, header, rows, notes }: Section): string {
  const align = header.map((_, i) => (i === 0 ? '---' : '---:'))
  const table = [row(header), row(align), ...rows.map(row)].join('\n')
  return [`## ${title}`, table, ...notes].join('\n\n')
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`

const average = (values: readonly number[] | undefined): number | undefined =>
  values && values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : undefined

function range(before: number | undefined, after: number | undefined, unit: string): string | undefined {
  if (before === undefined || after === undefined) return undefined
  return `${before.toFixed(1)}${unit} before, ${after.toFixed(1)}${unit} after`
}
