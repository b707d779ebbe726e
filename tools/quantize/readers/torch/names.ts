import type { ElementType } from '../elements.js'
import { Dict, Name, Opaque, Storage, Tensor, type Value } from './values.js'

/** Storage types, by the class that a pickle names. */
const storageTypes: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
}

export const storageType = (value: Value | undefined): ElementType | undefined =>
  value instanceof Name && value.module === 'torch' && Object.hasOwn(storageTypes, value.name)
    ? storageTypes[value.name]
    : undefined

/** Makes a value of a call's arguments; undefined where they don't fit. */
type Maker = (args: readonly Value[]) => Value | undefined

/** A tensor; one whose numbers are of a type that nobody reads here is opaque. */
const tensor: Maker = ([storage, offset, shape, strides]) => {
  if (storage instanceof Opaque) return new Opaque('torch._utils._rebuild_tensor')
  return storage instanceof Storage && isSize(offset) && isSizes(shape) && isSizes(strides)
    ? new Tensor(storage, offset, shape, strides)
    : undefined
}

const wrapped: Maker = ([value]) =>
  value instanceof Tensor || (value instanceof Opaque && value.isTensor) ? value : undefined

const dict: Maker = (args) => {
  const made = new Dict()
  if (args.length === 0) return made
  const [pairs] = args
  if (!Array.isArray(pairs)) return undefined
  if (pairs.some((pair) => !Array.isArray(pair) || pair.length !== 2)) return undefined
  made.add(pairs.flat(1) as Value[])
  return made
}

/** All that a pickle may call to make something. */
const makers: Readonly<Record<string, Maker>> = {
  'collections.OrderedDict': dict,
  // Its first argument makes missing values: there are none.
  'collections.defaultdict': (args) => dict(args.slice(1)),
  'torch._utils._rebuild_tensor': tensor,
  'torch._utils._rebuild_tensor_v2': tensor,
  'torch._utils._rebuild_parameter': wrapped,
  'torch._utils._rebuild_parameter_with_state': wrapped,
  'torch.Size': ([sizes]) => (Array.isArray(sizes) ? sizes : undefined),
  'torch.device': ([name]) => (typeof name === 'string' ? name : undefined),
}

/**
 * Names of Python, numpy and torch that stand for themselves: settings, paths, dates and numbers
 * that scripts store beside weights.
 */
const plainNames: Readonly<Record<string, RegExp>> = {
  __main__: /^\w+$/,
  _codecs: /^encode$/,
  argparse: /^Namespace$/,
  builtins:
    /^(bool|bytearray|bytes|complex|dict|float|frozenset|int|list|object|range|set|slice|str|tuple|type)$/,
  collections: /^(Counter|ChainMap|UserDict|UserList|deque)$/,
  copyreg: /^_reconstructor$/,
  datetime: /^(date|datetime|time|timedelta|timezone)$/,
  decimal: /^Decimal$/,
  fractions: /^Fraction$/,
  numpy:
    /^(dtype|ndarray|bool_?|str_?|bytes_|void|object_|u?(byte|short|intc|int_|int|long|longlong|intp)|u?int\d+|half|single|double|float_|longdouble|float\d+|c?(single|double)|complex_|complex\d+|datetime64|timedelta64)$/,
  'numpy.core.multiarray': /^(scalar|_reconstruct)$/,
  'numpy._core.multiarray': /^(scalar|_reconstruct)$/,
  'numpy.dtypes': /^\w+DType$/,
  'numpy.random._pickle': /^__\w+_ctor$/,
  'numpy.random.mtrand': /^RandomState$/,
  'numpy.random._mt19937': /^MT19937$/,
  'numpy.random.bit_generator': /^__pyx_unpickle_SeedSequence$/,
  pathlib: /^(Pure)?(Posix|Windows)?Path$/,
  'pathlib._local': /^(Pure)?(Posix|Windows)?Path$/,
  random: /^Random$/,
  time: /^struct_time$/,
  torch:
    /^(u?int\d+|float\d\w*|bfloat16|half|double|float|long|int|short|bool|complex\d+|q[us]?int\d\w*|\w+Storage|strided|sparse_\w+|contiguous_format|channels_last\w*|preserve_format|Tensor|Generator|dtype)$/,
  'torch._utils': /^_rebuild_\w+$/,
  'torch._tensor': /^_rebuild_\w+$/,
  'torch.storage': /^(Untyped|Typed|_Typed)Storage$/,
  'torch.torch_version': /^TorchVersion$/,
  types: /^SimpleNamespace$/,
  uuid: /^(UUID|SafeUUID)$/,
}
/** What Python 2 called them, which is how protocol 2 of a pickle does. */
const oldModules: Readonly<Record<string, string>> = { __builtin__: 'builtins', copy_reg: 'copyreg' }

/**
 * Families of modules with nothing but networks, optimisers, settings and the loops that train
 * them.
 */
const plainFamilies =
  /^(torch\.(nn|optim)|torchvision|timm|pytorch_lightning|lightning|omegaconf|yacs|easydict|addict|ml_collections|attrdict|munch|box|mmengine|mmcv)(\.|$)/

/**
 * Modules that run, load, open or fetch something. Nothing in a pickle is ever run here, but a file
 * that asks for these was made to do harm, and its reader should know.
 */
const harmful =
  /^(aiohttp|_io|_pickle|_posixsubprocess|_thread|asyncio|ast|bdb|cProfile|cloudpickle|code|codeop|commands|concurrent|ctypes|dill|distutils|doctest|ensurepip|ftplib|functools|glob|http|httplib|idlelib|imp|importlib|inspect|io|ipykernel|itertools|joblib|lib2to3|linecache|logging|marshal|mmap|multiprocessing|nt|ntpath|operator|os|paramiko|pdb|pickle|pickletools|pip|pkgutil|platform|popen2|posix|posixpath|profile|psutil|pty|pydoc|requests|resource|runpy|setuptools|shelve|shutil|signal|site|smtplib|socket|socketserver|sqlite3|ssl|subprocess|symtable|sys|sysconfig|types|tarfile|telnetlib|tempfile|threading|timeit|trace|traceback|urllib\d?|venv|weakref|webbrowser|winreg|xmlrpc|zipapp|zipfile|zipimport|test|unittest|__\w+__|torch|numpy|builtins|copyreg|collections|_codecs)(\.|$)/

const identifier = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/

/**
 * What may be done with a name: it makes something, it stands for an object that is never made, or
 * the file is refused.
 */
export function kindOf(name: Name): 'made' | 'opaque' | 'foreign' | 'refused' {
  const full = String(name)
  if (Object.hasOwn(makers, full) || storageType(name) !== undefined) return 'made'
  const module = Object.hasOwn(oldModules, name.module) ? oldModules[name.module] : name.module
  if (Object.hasOwn(plainNames, module) && plainNames[module].test(name.name)) return 'opaque'
  const isSpecial = name.name.split('.').some((part) => /^__.*__$/.test(part))
  if (isSpecial || !identifier.test(name.name) || !identifier.test(name.module)) return 'refused'
  if (plainFamilies.test(module)) return 'foreign'
  return harmful.test(module) ? 'refused' : 'foreign'
}

/** What calling `name` gives; undefined where it can't be called so. */
export function call(name: Name, args: readonly Value[]): Value | undefined {
  if (Object.hasOwn(makers, String(name))) return makers[String(name)](args)
  return storageType(name) === undefined ? new Opaque(String(name)) : undefined
}

const isSize = (value: Value | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isSizes = (value: Value | undefined): value is number[] => Array.isArray(value) && value.every(isSize)
