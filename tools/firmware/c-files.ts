import { roundUp } from '../../src/host/graph/descriptor.js'
import { entryBytes, listHeaderBytes } from '../../src/host/program/candidates.js'
import { opcodes, wordOf } from '../../src/host/program/instruction.js'
import { instructionArea } from './arena.js'
import { engineSource, template } from './engine.js'
import type { Firmware } from './firmware.js'
import { goldenSide } from './golden.js'
import { checkLimits, type MemoryLimits, memoryPage, sizesOf } from './memory.js'
import { cComment, cString, rows, wordsOf } from './words.js'

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}u`

/** A template with what belongs between its @. */
function fill(name: string, parts: Readonly<Record<string, string>>): string {
  return template(name).replace(/@([A-Z]+)@\n?/g, (_, part: string) => parts[part])
}

/** The files of firmware by their names. Throws E_FIRMWARE_OPERATOR, E_FIRMWARE_MEMORY. */
export function cFiles(firmware: Firmware, limits: MemoryLimits): Map<string, string> {
  const { layout, format, program, golden } = firmware
  const engine = engineSource(layout.instructions, opcodes, format)
  const sizes = sizesOf(firmware, engine.tables.length, engine.functions)
  checkLimits(firmware, sizes, limits)
  const frameBytes = sizes.frame
  const ram = sizes.arena
  const weights = wordsOf(padded(layout.weights))
  const tables = wordsOf(padded(engine.tables))
  const based = roundUp(ram + weights.length * 4 + tables.length * 4, 16) + roundUp(frameBytes, 16) + 16
  const { name, frame } = firmware
  return new Map([
    [
      'ocellus_model.h',
      fill('ocellus_model.h', {
        TITLE: `${cComment(name)}: objects in frames of ${frame.width}x${frame.height} ${format}.`,
        MACROS: macros(firmware, frameBytes, ram, based),
      }),
    ],
    ['ocellus_model.c', fill('ocellus_model.c', { PROGRAM: program.c, GOLDEN: rows(golden.frame, 2, 16) })],
    ['ocellus_data.h', dataHeader(firmware, weights.length * 4, tables.length * 4, ram)],
    [
      'ocellus_weights.c',
      `/* Weights, biases, multipliers and tables, as the kernels read them. MEMORY.md says which lie where. */
#include "ocellus_data.h"

const uint32_t ocellus_weights[OCELLUS_WEIGHTS_BYTES / 4] = {
${rows(weights, 8, 8)}};

/* Tables of the kernels themselves. */
const uint32_t ocellus_tables[OCELLUS_TABLES_BYTES_ / 4] = {
${rows(tables, 8, 8)}};

const ocellus_output_place ocellus_outputs[OCELLUS_OUTPUTS] = {
${layout.outputs
  .map(
    ({ name: output, offset, pixels, bytes, stride }) =>
      `    {${offset}u, ${pixels}u, ${bytes}u, ${stride}u}, /* ${cComment(output)} */\n`,
  )
  .join('')}};
`,
    ],
    [
      'ocellus_engine.c',
      fill('ocellus_engine.c', { KERNELS: `${engine.functions}\n`, DISPATCH: `${engine.dispatch}\n` }),
    ],
    ['ocellus_rt.h', template('ocellus_rt.h')],
    [
      'golden.h',
      `/* What ocellus_selftest compares: CRC-32 of flash, and of the results for a picture of ${goldenSide}x${goldenSide}. */
#ifndef OCELLUS_GOLDEN_H
#define OCELLUS_GOLDEN_H

#define OCELLUS_GOLDEN_FLASH ${hex(golden.flash)}
#define OCELLUS_GOLDEN_RESULTS ${hex(golden.results)}
#define OCELLUS_GOLDEN_WIDTH_ ${goldenSide}u
#define OCELLUS_GOLDEN_HEIGHT_ ${goldenSide}u
#define OCELLUS_GOLDEN_FRAME_BYTES_ ${golden.frame.length}u

#endif
`,
    ],
    ['example/main.c', template('example_main.c')],
    ['CMakeLists.txt', template('CMakeLists.txt')],
    ['zephyr/module.yml', template('zephyr_module.yml')],
    ['zephyr/CMakeLists.txt', template('zephyr_CMakeLists.txt')],
    ['zephyr/Kconfig', template('zephyr_Kconfig')],
    ['library.properties', template('library.properties')],
    ['examples/blink/blink.ino', template('example_blink.ino')],
    ['MEMORY.md', memoryPage(firmware, sizes)],
  ])
}

/** Whole words. */
function padded(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(roundUp(bytes.length, 4))
  all.set(bytes)
  return all
}

function macros({ labels, frame, format }: Firmware, frameBytes: number, ram: number, based: number): string {
  return `#define OCELLUS_FRAME_WIDTH ${frame.width}
#define OCELLUS_FRAME_HEIGHT ${frame.height}
#define OCELLUS_FRAME_BYTES ${frameBytes}u /* ${format} */
#define OCELLUS_LABELS {${labels.map(cString).join(', ')}}
#define OCELLUS_LABEL_COUNT ${labels.length}

/* RAM that ocellus_init takes; on a PC with 64 bits all that is constant, and the frame, go there too. */
#if UINTPTR_MAX > 0xffffffffu
#define OCELLUS_ARENA_BYTES ${based}u
#else
#define OCELLUS_ARENA_BYTES ${ram}u
#endif
#define OCELLUS_ARENA_ALIGN 16
`
}

function dataHeader(
  { layout, program }: Firmware,
  weightsBytes: number,
  tablesBytes: number,
  ram: number,
): string {
  return `/* What the files of this folder share; nothing here is for callers. */
#ifndef OCELLUS_DATA_H
#define OCELLUS_DATA_H

#include <stdint.h>

#define OCELLUS_WEIGHTS_BYTES ${weightsBytes}u
#define OCELLUS_TABLES_BYTES_ ${tablesBytes}u
#define OCELLUS_PROGRAM_WORDS_ ${program.words.length}u
#define OCELLUS_ARENA_RAM_ ${ram}u
#define OCELLUS_INSTRUCTION_BYTES_ ${instructionArea}u

/* The list of candidates: where it lies in the arena, its header and an entry of it. */
#define OCELLUS_LIST_ ${layout.list}u
#define OCELLUS_LIST_HEADER_ ${listHeaderBytes}u
#define OCELLUS_LIST_ENTRY_ ${entryBytes}u

/* The instruction that reads the frame, and the words that hold the frame's size. */
#define OCELLUS_PREPROCESS_ ${opcodes.preprocess}u
#define OCELLUS_PREPROCESS_WIDTH_ ${wordOf('preprocess', 'sourceWidth')}
#define OCELLUS_PREPROCESS_HEIGHT_ ${wordOf('preprocess', 'sourceHeight')}

/* An output of the network in the arena: pixels of so many bytes, \`stride\` bytes apart. */
typedef struct {
  uint32_t offset, pixels, bytes, stride;
} ocellus_output_place;

#define OCELLUS_OUTPUTS ${layout.outputs.length}

extern const uint32_t ocellus_weights[OCELLUS_WEIGHTS_BYTES / 4];
extern const uint32_t ocellus_tables[OCELLUS_TABLES_BYTES_ / 4];
extern const ocellus_output_place ocellus_outputs[OCELLUS_OUTPUTS];
extern const uint32_t ocellus_program[OCELLUS_PROGRAM_WORDS_];

/* Runs the instruction at an address: a pointer's bits, or counted from \`m\` on a PC with 64 bits. */
void ocellus_execute(uint8_t *m, uint32_t instruction);

#endif
`
}
