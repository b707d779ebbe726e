import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import { shown as shownText } from '../../../../src/host/shown.js'
import { call, kindOf, storageType } from './names.js'
import { Dict, Name, Opaque, Storage, Tensor, type Value } from './values.js'

/**
 * Opcodes that a state dict never needs, by name, for messages. Those that run something are among
 * them.
 */
const refusedOpcodes: Readonly<Record<number, string>> = {
  40: 'MARK',
  70: 'FLOAT',
  73: 'INT',
  76: 'LONG',
  80: 'PERSID',
  83: 'STRING',
  86: 'UNICODE',
  100: 'DICT',
  103: 'GET',
  105: 'INST',
  108: 'LIST',
  111: 'OBJ',
  112: 'PUT',
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  146: 'NEWOBJ_EX',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
}

/** Thrown where the bytes end early: whoever gave a part of a file may give more. */
export class PickleEnd extends Error {}

/** BINGET, LONG_BINGET and DUP push what is there already. */
const recalls = new Set([0x68, 0x6a, 0x32])

/** Bytes of a whole number: more than any has, and few enough to compute with. */
const longestNumber = 1024

const mark = Symbol('mark')
type Slot = Value | typeof mark

/**
 * Reads a pickle as data: a stack machine of the opcodes that `torch.save` writes (protocol 2, and
 * 3 and 4 in the same manner), in which a call makes tensors and dicts by the few names of
 * `names.ts`, or an opaque value. Nothing is imported, nothing is run; an opcode beyond the list
 * and a name that could do harm are refused. What is made is counted, and in sum bounded by the
 * pickle's length. Throws E_TORCH_PICKLE, E_TORCH_GLOBAL; `PickleEnd` where the bytes end early.
 */
export class PickleReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string
  /** The next byte: after `read`, the first one behind the pickle. */
  at: number
  #stack: Slot[] = []
  #memo = new Map<number, Value>()
  #start: number
  #spent = 0
  #made = 0
  /** Every storage that the pickles mention, by its key. */
  readonly storages = new Map<string, Storage | Opaque>()
  /**
   * The first name that belongs to no list: of a class that a network's own code may bring along.
   */
  foreign: string | undefined

  constructor(bytes: Uint8Array, file: string, at = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#file = file
    this.at = at
    this.#start = at
  }

  /** The object of one pickle, which ends with STOP. */
  read(): Value {
    this.#stack = []
    this.#memo = new Map()
    this.#start = this.at
    for (;;) {
      this.#start = this.at
      const opcode = this.#u8()
      if (opcode === 0x2e) return this.#pop()
      const made = this.#execute(opcode)
      if (made === undefined) continue
      if (typeof made === 'object' && made !== null && !recalls.has(opcode)) this.#count(1)
      this.#stack.push(made)
      // Marks and numbers of a byte are no objects, but each takes a place here.
      if (this.#stack.length > limits.pickleObjects)
        this.#bad(`holds more than ${limits.pickleObjects} values at once, which no checkpoint needs`)
    }
  }

  /**
   * Counts objects: a byte or two can make one. Numbers and texts take no more memory than they
   * have bytes in the file.
   */
  #count(objects: number): void {
    this.#made += objects
    if (this.#made > limits.pickleObjects)
      this.#bad(`makes more than ${limits.pickleObjects} objects, which no checkpoint needs`)
  }

  /** What an opcode pushes; undefined where it pushes nothing. */
  #execute(opcode: number): Slot | undefined {
    switch (opcode) {
      case 0x80: // PROTO
        if (this.#u8() > 5) this.#bad('is of a protocol after 5')
        return undefined
      case 0x95: // FRAME
        this.#take(8)
        return undefined
      case 0x28: // MARK
        return mark
      case 0x4e: // NONE
        return null
      case 0x88: // NEWTRUE
        return true
      case 0x89: // NEWFALSE
        return false
      case 0x4b: // BININT1
        return this.#u8()
      case 0x4d: // BININT2
        return this.#view.getUint16(this.#take(2), true)
      case 0x4a: // BININT
        return this.#view.getInt32(this.#take(4), true)
      case 0x8a: // LONG1
        return this.#long(this.#u8())
      case 0x8b: // LONG4
        return this.#long(this.#u32())
      case 0x47: // BINFLOAT
        return this.#view.getFloat64(this.#take(8))
      case 0x58: // BINUNICODE
        return this.#text(this.#u32())
      case 0x8c: // SHORT_BINUNICODE
        return this.#text(this.#u8())
      case 0x55: // SHORT_BINSTRING, of Python 2
        return this.#text(this.#u8())
      case 0x54: // BINSTRING
        return this.#text(this.#u32())
      case 0x8d: // BINUNICODE8
        return this.#text(this.#u64())
      case 0x43: // SHORT_BINBYTES
        return this.#bytesOf(this.#u8())
      case 0x42: // BINBYTES
        return this.#bytesOf(this.#u32())
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#bytesOf(this.#u64())
      case 0x30: // POP
        if (this.#stack.pop() === undefined) this.#bad('takes from an empty stack')
        return undefined
      case 0x31: // POP_MARK
        this.#popToMark()
        return undefined
      case 0x32: // DUP
        return this.#top()
      case 0x7d: // EMPTY_DICT
        return new Dict()
      case 0x8f: // EMPTY_SET
        return new Opaque('builtins.set')
      case 0x91: // FROZENSET
        this.#popToMark()
        return new Opaque('builtins.frozenset')
      case 0x90: // ADDITEMS
        return this.#append(this.#popToMark())
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return []
      case 0x74: // TUPLE
        return this.#popToMark()
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#popSome(opcode - 0x84)
      case 0x71: // BINPUT
        return this.#remember(this.#u8())
      case 0x72: // LONG_BINPUT
        return this.#remember(this.#u32())
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size)
      case 0x68: // BINGET
        return this.#recall(this.#u8())
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#u32())
      case 0x63: // GLOBAL
        return this.#name(this.#line(), this.#line())
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popSome(2)
        return this.#name(module, name)
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#reduce()
      case 0x62: // BUILD
        return this.#build()
      case 0x51: // BINPERSID
        return this.#storage(this.#pop())
      case 0x61: // APPEND
        return this.#append(this.#popSome(1))
      case 0x65: // APPENDS
        return this.#append(this.#popToMark())
      case 0x73: // SETITEM
        return this.#setItems(this.#popSome(2))
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark())
    }
    const name = Object.hasOwn(refusedOpcodes, opcode) ? ` (${refusedOpcodes[opcode]})` : ''
    return this.#bad(
      `has the opcode 0x${opcode.toString(16).padStart(2, '0')}${name}, which no state dict needs`,
    )
  }

  #reduce(): Value {
    const [name, args] = this.#popSome(2)
    if (Array.isArray(args))
      this.#spend(args.reduce((sum: number, a) => sum + (Array.isArray(a) ? a.length : 0), 0))
    const made = name instanceof Name && Array.isArray(args) ? call(name, args) : undefined
    return made ?? this.#bad(`calls ${shown(name)} in a way that makes no tensor`)
  }

  /**
   * Lists can be recalled for a byte or two and looked through at each call: in sum no more than
   * the pickle is long.
   */
  #spend(items: number): void {
    this.#spent += items
    if (this.#spent > this.#bytes.length) this.#bad('calls with the same long lists again and again')
  }

  /** State of an object: the `_metadata` of a state dict, or arguments beside it. */
  #build(): undefined {
    const state = this.#pop()
    const object = this.#top()
    if (object instanceof Opaque) object.state = state
    else if (!(object instanceof Dict || object instanceof Tensor))
      this.#bad(`sets the state of ${shown(object)}`)
  }

  #remember(index: number): undefined {
    if (this.#memo.size >= limits.pickleObjects)
      this.#bad(`remembers more than ${limits.pickleObjects} objects, which no checkpoint needs`)
    this.#memo.set(index, this.#top())
  }

  #storage(id: Value): Storage | Opaque {
    const made = Array.isArray(id) ? this.#storageOf(id) : undefined
    return made ?? this.#bad('refers to something that is no storage of numbers')
  }

  #storageOf([kind, type, key, , elements, view]: readonly Value[]): Storage | Opaque | undefined {
    if (kind !== 'storage' || !(type instanceof Name) || typeof key !== 'string' || !isCount(elements))
      return undefined
    const dtype = storageType(type)
    if (dtype === undefined) {
      if (kindOf(type) !== 'opaque') return undefined
      // Numbers of a type that nobody reads here: they matter only to tensors that a network needs.
      this.foreign ??= String(type)
      const opaque = new Opaque(String(type))
      this.storages.set(key, opaque)
      return opaque
    }
    let storage: Storage | undefined
    if (view === null || view === undefined) storage = new Storage(key, dtype, elements)
    else if (Array.isArray(view) && isCount(view[1]) && isCount(view[2]))
      storage = new Storage(key, dtype, view[2], view[1])
    if (storage !== undefined) this.storages.set(key, storage)
    return storage
  }

  #append(items: Value[]): undefined {
    const list = this.#top()
    if (list instanceof Opaque) return
    if (!Array.isArray(list)) return this.#bad(`appends to ${shown(list)}`)
    // The first item takes room for some more.
    if (list.length === 0) this.#count(3)
    for (const item of items) list.push(item)
  }

  #setItems(items: Value[]): undefined {
    const map = this.#top()
    if (items.length % 2 !== 0) return this.#bad(`sets items of ${shown(map)}`)
    if (map instanceof Opaque) return
    if (!(map instanceof Dict)) return this.#bad(`sets items of ${shown(map)}`)
    map.add(items)
  }

  #name(module: Value, name: Value): Name {
    if (typeof module !== 'string' || typeof name !== 'string') this.#bad('names something by no text')
    const found = new Name(String(module), String(name))
    const kind = kindOf(found)
    if (kind === 'refused') throw refusedName(String(found), this.#file)
    if (kind === 'foreign') this.foreign ??= String(found)
    return found
  }

  #pop(): Value {
    const value = this.#stack.pop()
    return value === undefined || value === mark ? this.#bad('takes from an empty stack') : value
  }

  #top(): Value {
    const value = this.#stack.at(-1)
    return value === undefined || value === mark ? this.#bad('takes from an empty stack') : value
  }

  #popSome(count: number): Value[] {
    const values = Array.from({ length: count }, () => this.#pop())
    return values.reverse()
  }

  #popToMark(): Value[] {
    const at = this.#stack.lastIndexOf(mark)
    if (at < 0) this.#bad('takes from an empty stack')
    const values = this.#stack.splice(at).slice(1)
    return values.filter((value): value is Value => value !== mark)
  }

  #recall(index: number): Value {
    const value = this.#memo.get(index)
    return value === undefined ? this.#bad(`recalls ${index}, which was never stored`) : value
  }

  #take(count: number): number {
    const at = this.at
    if (count > this.#bytes.length - at) throw new PickleEnd()
    this.at += count
    return at
  }

  #u8(): number {
    return this.#bytes[this.#take(1)]
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  #u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true))
  }

  /** Bytes stand beside weights at most: nothing here reads them. */
  #bytesOf(length: number): Opaque {
    this.#take(length)
    return new Opaque('builtins.bytes')
  }

  #slice(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  #text(length: number): string {
    return new TextDecoder().decode(this.#slice(length))
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at)
    if (end < 0) throw new PickleEnd()
    const text = this.#text(Math.min(end - this.at, 1024))
    this.at = end + 1
    return text
  }

  /** A whole number of `length` bytes, two's complement. */
  #long(length: number): number | bigint {
    if (length > longestNumber) this.#bad(`holds a number of ${length} bytes`)
    let value = 0n
    const bytes = this.#slice(length)
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i])
    if (length > 0 && bytes[length - 1] >= 128) value -= 1n << BigInt(8 * length)
    return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value
  }

  #bad(what: string): never {
    throw new OcellusError('E_TORCH_PICKLE', `${this.#file}: the pickle ${what} (byte ${this.#start})`)
  }
}

const isCount = (value: Value | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

/** What is said of a file that names what no state dict needs. */
export const refusedName = (name: string, file: string): OcellusError =>
  new OcellusError(
    'E_TORCH_GLOBAL',
    `${file}: the pickle names ${shownText(name)}, which no state dict needs; nothing of it was run: save with torch.save(model.state_dict(), file)`,
  )

function shown(value: Value | undefined): string {
  if (value instanceof Name) return shownText(String(value))
  if (value instanceof Tensor) return 'a tensor'
  if (value instanceof Storage) return 'a storage'
  if (value instanceof Opaque) return shownText(value.of)
  if (value instanceof Dict) return 'a dict'
  if (Array.isArray(value)) return 'a list'
  return value === null ? 'None' : `a ${typeof value}`
}
