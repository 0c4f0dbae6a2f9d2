/** Flag of `clone` for a new user namespace, in which a program would have every capability. */
const CLONE_NEWUSER = 0x10000000
const AF_UNIX = 1
const EPERM = 1
const ENOSYS = 38

/** Numbers of system calls by architecture (linux/audit.h, and the kernel's system call tables). */
const ARCHITECTURES = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    sockets: [41, 53], // socket, socketpair
    denied: [
      // other processes: ptrace, process_vm_readv, process_vm_writev, syslog
      ...[101, 310, 311, 103],
      // other views of the system: unshare, setns, mount, umount2, pivot_root, chroot
      ...[272, 308, 165, 166, 155, 161],
      // memory that belongs to no process: memfd_create, shmget, msgget, semget, mq_open, io_setup
      ...[319, 29, 68, 64, 240, 206],
      // large kernel interfaces: bpf, perf_event_open, userfaultfd, keyctl, add_key, request_key
      ...[321, 298, 323, 250, 248, 249],
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    sockets: [198, 199],
    denied: [
      ...[117, 270, 271, 116],
      ...[97, 268, 40, 39, 41, 51],
      ...[279, 194, 186, 190, 180, 0],
      ...[280, 241, 282, 219, 217, 218],
    ],
  },
} as const

/** System calls with the same number on all architectures: io_uring, pidfd_getfd, the new mount calls, memfd_secret. */
const DENIED_EVERYWHERE = [425, 426, 427, 438, 428, 429, 430, 431, 432, 433, 442, 467, 447]
/** Its flags are in memory, where a filter cannot read them; libraries fall back to `clone`. */
const CLONE3 = 435
/** On x64, system calls of the ABI with 32-bit pointers have this bit. */
const X32_BIT = 0x40000000

// Classic BPF: the opcodes used here (linux/bpf_common.h) and the values a filter returns (linux/seccomp.h).
const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_AT_LEAST = 0x35
const IF_ANY_BIT = 0x45
const RETURN = 0x06
const ALLOW = 0x7fff0000
const KILL = 0x80000000
const fail = (errno: number): number => 0x00050000 | errno
// Offsets in struct seccomp_data.
const NUMBER = 0
const ARCHITECTURE = 4
const FIRST_ARGUMENT = 16

/**
 * A seccomp filter in the form that `bwrap --seccomp` reads. It forbids namespaces, mounts, tracing, sockets other than
 * local ones, and memory that belongs to no process. `null` for an architecture whose system calls are not listed here.
 */
export function seccompFilter(architecture: string = process.arch): Buffer | null {
  if (architecture !== 'x64' && architecture !== 'arm64') return null
  const { audit, clone, sockets, denied } = ARCHITECTURES[architecture]
  const program: number[][] = []
  const emit = (code: number, k: number, ifTrue = 0, ifFalse = 0) => program.push([code, ifTrue, ifFalse, k])
  /** Returns `value` if the comparison of the loaded word with `k` is true. */
  const when = (comparison: number, k: number, value: number) => {
    emit(comparison, k, 0, 1)
    emit(RETURN, value)
  }
  emit(LOAD, ARCHITECTURE)
  emit(IF_EQUAL, audit, 1, 0)
  emit(RETURN, KILL)
  emit(LOAD, NUMBER)
  if (architecture === 'x64') when(IF_AT_LEAST, X32_BIT, fail(ENOSYS))
  when(IF_EQUAL, CLONE3, fail(ENOSYS))
  for (const number of [...denied, ...DENIED_EVERYWHERE]) when(IF_EQUAL, number, fail(EPERM))
  // If the call is not `clone`, skip the next four instructions.
  emit(IF_EQUAL, clone, 0, 4)
  emit(LOAD, FIRST_ARGUMENT)
  when(IF_ANY_BIT, CLONE_NEWUSER, fail(EPERM))
  emit(RETURN, ALLOW)
  emit(IF_EQUAL, sockets[0], 1, 0)
  emit(IF_EQUAL, sockets[1], 0, 3)
  emit(LOAD, FIRST_ARGUMENT)
  emit(IF_EQUAL, AF_UNIX, 1, 0)
  emit(RETURN, fail(EPERM))
  emit(RETURN, ALLOW)

  // struct sock_filter { u16 code; u8 jt, jf; u32 k }
  const bytes = Buffer.alloc(program.length * 8)
  for (const [i, [code = 0, ifTrue = 0, ifFalse = 0, k = 0]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8)
    bytes.writeUInt8(ifTrue, i * 8 + 2)
    bytes.writeUInt8(ifFalse, i * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4)
  }
  return bytes
}
