"""Cases of Hopper's copies: expected bytes by plain loops over elements, one at a time, with no code of the emulator.

python3 make.py OUTDIR  writes OUTDIR/cases.json; the .ptx files beside it are nvcc 13.0's output for the .cu files
(nvcc -ptx -arch=sm_90a -std=c++17).
"""
import itertools, json, random, struct, sys

size = {'UINT8': 1, 'UINT16': 2, 'UINT32': 4, 'INT32': 4, 'UINT64': 8, 'INT64': 8, 'FLOAT16': 2, 'FLOAT32': 4, 'FLOAT64': 8, 'BFLOAT16': 2}
rng = random.Random(7)
cases = []

def case(name, ptx, kernel, args, buffers, expected, block=64, grid=(1, 1, 1), cluster=None, smem=0, features=()):
    cases.append({'schema': 'ptx-case/1', 'name': name, 'ptx': ptx, 'kernel': kernel, 'target': 'sm_90a', 'grid': list(grid), 'block': [block, 1, 1], 'cluster': cluster,
                  'dynamicSharedBytes': smem, 'args': args, 'buffers': buffers, 'expected': expected, 'features': list(features)})

def buf(name, data, type='u8'): return {'name': name, 'type': type, 'hex': bytes(data).hex()}
def want(name, data, type='u8', compare='bits'): return {'buffer': name, 'type': type, 'hex': bytes(data).hex(), 'compare': compare}
def blank(name, n): return {'name': name, 'type': 'u8', 'bytes': n, 'fill': 0xcc}

def place(offset, swizzle):
    """Where the byte at `offset` of the plain image lies in a buffer that starts at a multiple of 1024."""
    line, piece, rest = offset // 128, offset % 128 // 16, offset % 16
    piece ^= {'NONE': 0, '32B': line % 2, '64B': line % 4, '128B': line % 8}[swizzle]
    return line * 128 + piece * 16 + rest

def tensor(dtype, dims, pad=0):
    """Random bytes, byte strides of dimensions 1.. (padded), and the place of an element."""
    unit, strides = size[dtype], []
    step = dims[0] * unit
    for d in dims[1:]:
        step = (step + 15) // 16 * 16 + pad
        strides.append(step)
        step *= d
    total = dims[0] * unit + sum((d - 1) * s for d, s in zip(dims[1:], strides))
    data = bytearray(rng.randrange(256) for _ in range(total))
    at = lambda c: c[0] * unit + sum(x * s for x, s in zip(c[1:], strides))
    return data, strides, at

def image(dtype, data, at, dims, box, coords, swizzle, steps=None, fill=b'\0'):
    unit = size[dtype]
    steps = steps or [1] * len(dims)
    counts = [-(-b // s) for b, s in zip(box, steps)]
    n = unit
    for c in counts: n *= c
    out = bytearray(n)
    for i, index in enumerate(itertools.product(*[range(c) for c in reversed(counts)])):
        c = [x0 + k * s for x0, k, s in zip(coords, reversed(index), steps)]
        inside = all(0 <= x < d for x, d in zip(c, dims))
        value = data[at(c):at(c) + unit] if inside else fill * (unit // len(fill))
        for b in range(unit): out[place(i * unit + b, swizzle)] = value[b]
    return out

def mapArg(dtype, dims, strides, box, swizzle='NONE', steps=None, oob='NONE', buffer='A', offset=0):
    return {'tensorMap': {'dataType': dtype, 'rank': len(dims), 'buffer': buffer, 'byteOffset': offset, 'globalDim': dims, 'globalStrides': strides, 'boxDim': box,
                          'elementStrides': steps or [1] * len(dims), 'interleave': 'NONE', 'swizzle': swizzle, 'l2Promotion': 'NONE', 'oobFill': oob}}

def load(name, dtype, dims, box, coords, swizzle='NONE', steps=None, pad=0, oob='NONE', fill=b'\0'):
    data, strides, at = tensor(dtype, dims, pad)
    out = image(dtype, data, at, dims, box, coords, swizzle, steps, fill)
    args = [mapArg(dtype, dims, strides, box, swizzle, steps if steps is None else [1] + steps[1:], oob), {'ptr': 'out'}, {'i32': len(out)}] + [{'i32': c} for c in (list(coords) + [0] * 5)[:5]]
    case(name, 'tma_load.ptx', f'load{len(dims)}', args, [buf('A', data), blank('out', len(out))], [want('out', out)], smem=(len(out) + 1023) // 1024 * 1024, features=['cp.async.bulk.tensor', swizzle])

load('tma_1d', 'UINT8', [100], [64], [16])
load('tma_1d_below', 'INT32', [40], [16], [-5])
load('tma_1d_beyond', 'FLOAT64', [20], [8], [17])
load('tma_2d_inside', 'FLOAT16', [64, 20], [32, 8], [16, 6])
load('tma_2d_corner_low', 'UINT16', [40, 12], [16, 8], [-3, -2])
load('tma_2d_corner_high', 'BFLOAT16', [40, 12], [16, 8], [30, 7], pad=16)
load('tma_2d_outside', 'UINT32', [16, 8], [8, 4], [0, 8])
load('tma_2d_odd_column', 'UINT8', [50, 9], [16, 4], [7, 3])
load('tma_2d_steps', 'UINT16', [24, 30], [8, 14], [3, -4], steps=[1, 3])
load('tma_2d_nan', 'FLOAT16', [20, 6], [16, 4], [10, 4], oob='NAN_REQUEST_ZERO_FMA', fill=b'\xff\x7f')
load('tma_3d', 'FLOAT32', [12, 6, 5], [8, 3, 2], [6, -1, 4], pad=32)
load('tma_4d', 'UINT8', [20, 4, 3, 5], [16, 2, 2, 2], [-4, 3, -1, 1])
load('tma_5d', 'UINT64', [6, 3, 4, 3, 2], [4, 2, 2, 2, 2], [4, 2, -1, 1, 0])
for swizzle, inner in (('32B', 16), ('64B', 32), ('128B', 64)):
    load(f'tma_swizzle_{swizzle}', 'FLOAT16', [inner + 8, 20], [inner, 18], [0, 0], swizzle)
    load(f'tma_swizzle_{swizzle}_edges', 'BFLOAT16', [inner + 8, 20], [inner, 16], [13, -3], swizzle)
load('tma_swizzle_128B_3d', 'UINT8', [128, 5, 4], [128, 3, 3], [0, 3, -1], '128B')
load('tma_swizzle_64B_narrow', 'FLOAT32', [16, 30], [8, 24], [4, 2], '64B')

def storeAdd(name, dtype, dims, box, coords, times, swizzle, pad=0):
    data, strides, at = tensor(dtype, dims, pad)
    unit = size[dtype]
    n = unit * box[0] * box[1]
    code = {'UINT32': '<I', 'INT32': '<i', 'UINT64': '<Q', 'FLOAT32': '<f', 'FLOAT16': '<e'}[dtype]
    values = [rng.randrange(-40, 40) / 4 if dtype.startswith('FLOAT') else rng.randrange(1000) for _ in range(box[0] * box[1])]
    source, after = bytearray(n), bytearray(data)
    for i, v in enumerate(values):
        x, y = coords[0] + i % box[0], coords[1] + i // box[0]
        for b, byte in enumerate(struct.pack(code, v)): source[place(i * unit + b, swizzle)] = byte
        if 0 <= x < dims[0] and 0 <= y < dims[1]: struct.pack_into(code, after, at([x, y]), v * (1 + times))
    case(name, 'tma_store.ptx', 'storeAdd2', [mapArg(dtype, dims, strides, box, swizzle), {'ptr': 'in'}, {'i32': n}, {'i32': coords[0]}, {'i32': coords[1]}, {'i32': times}],
         [buf('A', data), buf('in', source)], [want('A', after)], smem=n, features=['cp.async.bulk.tensor', 'cp.reduce.async.bulk.tensor'])
storeAdd('tma_store', 'UINT32', [20, 9], [8, 4], [4, 2], 0, 'NONE')
storeAdd('tma_store_edge', 'UINT64', [10, 9], [4, 4], [8, 7], 0, 'NONE', pad=16)
storeAdd('tma_store_add_f32', 'FLOAT32', [30, 12], [16, 8], [20, 6], 3, '64B')
storeAdd('tma_store_add_f16', 'FLOAT16', [80, 20], [64, 16], [5, 8], 2, '128B')
storeAdd('tma_store_add_s32', 'INT32', [20, 9], [8, 4], [2, 1], 5, '32B')

def multicast(n):
    dtype, rows, inner = 'UINT32', 4, 8
    dims, box = [inner, rows * 2 * n], [inner, rows]
    data, strides, at = tensor(dtype, dims)
    out = bytearray()
    for b in range(2 * n):
        first = b // n * n
        for r in range(first, first + n): out += image(dtype, data, at, dims, box, [0, r * rows], 'NONE')
    case(f'tma_multicast_{n}', 'tma_store.ptx', 'multicast2', [mapArg(dtype, dims, strides, box), {'ptr': 'out'}, {'i32': 4 * inner * rows}, {'i32': rows}], [buf('A', data), blank('out', len(out))],
         [want('out', out)], grid=(2 * n, 1, 1), cluster=[n, 1, 1], smem=1024, features=['multicast::cluster'])
for n in (1, 2, 4): multicast(n)


def u32s(values): return b''.join(struct.pack('<I', v & 0xffffffff) for v in values)

def dsmem(n, clusters):
    blocks = n * clusters
    data = [rng.randrange(1 << 20) for _ in range(64 * blocks)]
    out = []
    for b in range(blocks):
        first, rank = b // n * n, b % n
        before, two = (rank - 1) % n, (rank - 2) % n
        part = lambda r: data[64 * (first + r):64 * (first + r + 1)]
        words = [before, before + 10, before + 20, before + 30, before, 0x12345678, 7 + before + 1, max(7, 100 + before)]
        added = sum(range(64))
        out += part(before) + [1000 * rank + x for x in part(two)] + words + [before + 10 + added, rank + 10 + added, (rank + 1) % n, 10, 100 * n + rank, n, 0xcccccccc, 0xcccccccc]
    case(f'dsmem_{n}', 'dsmem.ptx', 'dsmem', [{'ptr': 'in'}, {'ptr': 'out'}], [buf('in', u32s(data), 'u32'), blank('out', 4 * len(out))], [want('out', u32s(out), 'u32')], grid=(blocks, 1, 1), cluster=[n, 1, 1],
         features=['cp.async.bulk shared::cta to shared::cluster', 'cp.reduce.async.bulk', 'st.async', 'red.async', 'mapa'])
dsmem(4, 2)
dsmem(3, 1)
dsmem(8, 1)

def ring(boxes, blocks):
    data = [rng.randrange(1 << 16) for _ in range(64 * boxes * blocks)]
    out = [sum(data[64 * (b * boxes + i) + t] * (i + 1) for i in range(boxes)) for b in range(blocks) for t in range(64)]
    case(f'ring_{boxes}', 'ring.ptx', 'ring', [mapArg('UINT32', [8, 8 * boxes * blocks], [32], [8, 8]), {'ptr': 'out'}, {'i32': boxes}], [buf('A', u32s(data), 'u32'), blank('out', 4 * len(out))], [want('out', u32s(out), 'u32')],
         grid=(blocks, 1, 1), features=['mbarrier ring'])
ring(11, 2)
ring(3, 1)

def replaced(blocks, width, height, stride):
    data = bytearray(rng.randrange(256) for _ in range(stride * height * blocks))
    out = bytearray()
    for b in range(blocks):
        own = data[b * stride * height:]
        out += image('BFLOAT16', own, lambda c: c[0] * 2 + c[1] * stride, [width, height], [16, 8], [2, -1], '32B')
    case('tensormap_replace', 'replaced.ptx', 'replaced', [mapArg('FLOAT32', [4, 4, 4], [16, 64], [4, 2, 2]), {'ptr': 'T'}, {'ptr': 'maps'}, {'ptr': 'out'}, {'i32': stride}, {'i32': width}, {'i32': height}],
         [blank('A', 256), buf('T', data), blank('maps', 128 * blocks), blank('out', len(out))], [want('out', out)], block=32, grid=(blocks, 1, 1), features=['tensormap.replace', 'tensormap.cp_fenceproxy'])
replaced(3, 14, 6, 48)

data = [rng.randrange(1 << 30) for _ in range(256)]
case('tracked', 'tracked.ptx', 'tracked', [{'ptr': 'in'}, {'ptr': 'out'}], [buf('in', u32s(data), 'u32'), blank('out', 516)], [want('out', u32s([data[(t + 1) % 128] + data[128 + (t + 5) % 128] for t in range(128)] + [128]), 'u32')], block=128,
     features=['cuda::barrier', 'cp.async.mbarrier.arrive', 'mbarrier.pending_count', 'arrive_drop'])


def s32s(values): return b''.join(struct.pack('<i', v) for v in values)

# The programs of libcu++ and cooperative groups.
data = [rng.randrange(1000) for _ in range(768)]
case('cuda_pipeline', 'pipeline.ptx', 'pipe', [{'ptr': 'in'}, {'ptr': 'out'}, {'i32': 10}], [buf('in', s32s(data), 'i32'), blank('out', 256)],
     [want('out', s32s([sum(data[i * 64 + t] * (i + 1) for i in range(10)) for t in range(64)]), 'i32')], block=96, features=['cuda::pipeline'])
case('cg_memcpy_async', 'library.ptx', 'cgcopy', [{'ptr': 'in'}, {'ptr': 'out'}, {'i32': 6}], [buf('in', s32s(data), 'i32'), blank('out', 512)],
     [want('out', s32s([sum(data[(i - 1) * 128 + (t + i) % 128] for i in range(1, 6)) + data[640 + t] for t in range(128)]), 'i32')], block=128, features=['cooperative_groups::memcpy_async'])
case('cuda_memcpy_async', 'library.ptx', 'barcopy', [{'ptr': 'in'}, {'ptr': 'out'}], [buf('in', s32s(data[:256]), 'i32'), blank('out', 512)], [want('out', s32s([data[255 - t] + data[t] for t in range(128)]), 'i32')],
     block=128, features=['cuda::memcpy_async'])
case('cluster_dims', 'library.ptx', 'clusterdims', [{'ptr': 'out'}], [blank('out', 256)],
     [want('out', s32s([v for y in range(2) for x in range(8) for v in (sum(range(256)), x % 4 + 4 * (y % 2), 20 + y % 2, 0)]), 'i32')], block=32, grid=(8, 2, 1), cluster=[4, 2, 1], features=['cluster'])


def e4m3(code):
    e, f = code >> 3 & 15, code & 7
    return (-1 if code & 128 else 1) * (f / 8 * 2 ** -6 if e == 0 else (1 + f / 8) * 2.0 ** (e - 7))
codes = {e4m3(c): c for c in range(255, -1, -1) if c & 127 != 127}

def gemm(m, depth):
    n = 64
    a, b = [[[rng.randrange(-4, 5) / 2 for _ in range(depth)] for _ in range(rows)] for rows in (m, n)]
    d = b''.join(struct.pack('<f', sum(x * y for x, y in zip(row, column))) for row in a for column in b)
    raw = lambda x: bytes(codes[v] for row in x for v in row)
    case('gemm_fp8_cluster', 'gemm.ptx', 'gemm', [mapArg('UINT8', [depth, m], [depth], [128, 64], '128B', buffer='A'), mapArg('UINT8', [depth, n], [depth], [128, 32], '128B', buffer='B'), mapArg('FLOAT32', [n, m], [4 * n], [16, 64], buffer='D'),
         {'i32': depth // 128}], [buf('A', raw(a)), buf('B', raw(b)), blank('D', 4 * m * n)], [want('D', d, 'f32')], block=256, grid=(m // 64, 1, 1), cluster=[2, 1, 1], smem=2 * 2 * 64 * 128 + 64 * 64 * 4,
         features=['wgmma', 'setmaxnreg', 'multicast::cluster', 'cp.async.bulk.tensor'])
gemm(128, 384)

with open(sys.argv[1] + "/cases.json", "w") as f:
    f.write("{\"cases\":[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
print(len(cases), 'cases')
