import type { ContainerSpec } from './container-spec.ts';
import type { IsolationLevel, Machine } from './machine.ts';
import { command, quote } from './shell.ts';

/** Where the tools lie within a container. */
const tools = '/.keelson/tools';
const old = '/.keelson/old';

export interface ScriptContext {
  readonly machine: Machine;
  /** The container's directory. */
  readonly dir: string;
  /** The tools' directory on the machine. */
  readonly toolsDir: string;
  /** The holder of the pod's namespaces; undefined where there are none. */
  readonly holder: { readonly pid: number; readonly flags: readonly string[] } | undefined;
  /** `cgroup.procs` files to join. */
  readonly cgroupFiles: readonly string[];
}

/** A tool of the machine, run inside of a container by the machine's own loader. */
export function insideTool(name: string, ...args: readonly string[]): string[] {
  return [`${tools}/ld.so`, '--library-path', `${tools}/lib`, `${tools}/bin/${name}`, ...args];
}

/**
 * The shim: waits for the container and leaves its exit code in `exit`. Its file descriptor 3 is the report to the
 * runtime, closed as soon as the container has it.
 */
export function shimScript(spec: ContainerSpec, { dir, machine }: ScriptContext): string {
  const enter = command(
    ...(machine.programs['setsid'] ? [machine.programs['setsid']] : []),
    '/bin/sh',
    `${dir}/enter.sh`,
  );
  const lines = ['umask 022', `cd ${quote(dir)}`];
  if (spec.stdin) {
    // The shim holds the writing end, so that the container sees the end of its input only when it is told to.
    lines.push('exec 8<>stdin', "trap 'exec 8>&-' USR1");
  }
  const input = spec.stdin ? '<stdin' : '</dev/null';
  if (spec.tty && machine.programs['script']) {
    const script = command(
      machine.programs['script'],
      '-qefc',
      `exec /bin/sh ${quote(`${dir}/enter.sh`)}`,
      '/dev/null',
    );
    lines.push(`${script} ${input} >>stdout 2>>setup.log 8>&- &`);
  } else {
    lines.push(`${enter} ${input} >>stdout 2>>stderr 8>&- &`);
  }
  lines.push(
    'child=$!',
    'exec 3>&-',
    'wait $child',
    'code=$?',
    // A trapped signal ends the wait early.
    'while kill -0 $child 2>/dev/null; do wait $child; code=$?; done',
    'echo $code >exit.tmp',
    'mv exit.tmp exit',
  );
  return `${lines.join('\n')}\n`;
}

/** Joins the container's control groups and its pod's namespaces, makes its own, and goes on with `init.sh`. */
export function enterScript(spec: ContainerSpec, context: ScriptContext): string {
  const { machine, dir, cgroupFiles } = context;
  const lines = [
    // 5, 6 and 7 are the container's own streams; what the set-up says goes elsewhere.
    'exec 5>&1 6>&2 7<&0 >>' + quote(`${dir}/setup.log`) + ' 2>&1 </dev/null',
    ...cgroupFiles.map((file) => `echo $$ >${quote(file)} || exit 128`),
  ];
  lines.push(`exec ${command(...enterArguments(context), ...unshareArguments(spec, machine), `${dir}/init.sh`)}`);
  return `${lines.join('\n')}\n`;
}

function enterArguments({ machine, holder }: ScriptContext): string[] {
  if (holder === undefined) return [];
  return [machine.programs['nsenter'] ?? 'nsenter', '--target', `${holder.pid}`, ...holder.flags, '--'];
}

function unshareArguments(spec: ContainerSpec, machine: Machine): string[] {
  if (machine.level === 'plain') return ['/bin/sh'];
  const unshare = [machine.programs['unshare'] ?? 'unshare', '--mount', '--propagation', 'slave'];
  if (spec.pid !== 'own') return [...unshare, '--', '/bin/sh'];
  // Not --fork: unshare(1) loses the signal that ended its child where that was KILL. A shell reports it.
  return [...unshare, '--pid', '--', '/bin/sh', '-c', '/bin/sh "$0" & wait $!'];
}

/** Makes the container's file system, changes into it, drops what it may not keep, and becomes its first process. */
export function initScript(spec: ContainerSpec, context: ScriptContext): string {
  const { machine, dir } = context;
  const head = [
    'fail() { printf \'error %s\\n\' "$*" >&3; exit 128; }',
    'read -r pid rest </proc/self/stat || fail "/proc cannot be read"',
    `echo $pid >${quote(`${dir}/pid`)}`,
    "printf 'pid %s\\n' $pid >&3",
  ];
  const body = machine.level === 'plain' ? plainBody(spec) : isolatedBody(spec, context);
  return `${[...head, ...body].join('\n')}\n`;
}

function plainBody(spec: ContainerSpec): string[] {
  return [
    `cd ${quote(spec.cwd)} || fail ${quote(`working directory ${spec.cwd} cannot be entered`)}`,
    ...findProgramLines(spec),
    ...handOver(['env', '-i', ...spec.env, ...spec.argv]),
  ];
}

function isolatedBody(spec: ContainerSpec, context: ScriptContext): string[] {
  const { dir, toolsDir, machine } = context;
  const root = `${dir}/root`;
  const tool = (...words: readonly string[]) => command(...insideTool(words[0] ?? '', ...words.slice(1)));
  return [
    ...rootLines(spec, context),
    `mkdir -p ${quote(`${root}/.keelson`)} && mount -t tmpfs -o mode=755,size=1m tmpfs ${quote(`${root}/.keelson`)} || fail "no place for the tools"`,
    `mkdir ${quote(`${root}${tools}`)} ${quote(`${root}${old}`)}`,
    `mount --bind ${quote(toolsDir)} ${quote(`${root}${tools}`)} || fail "the tools cannot be mounted"`,
    `cd ${quote(root)}`,
    'pivot_root . .keelson/old || fail "the root cannot be changed"',
    'cd /',
    `mkdir() { ${tool('mkdir')} "$@"; }`,
    `mount() { ${tool('mount')} -n "$@"; }`,
    `umount() { ${tool('umount')} -n "$@"; }`,
    `rm() { ${tool('rm')} "$@"; }`,
    `ln() { ${tool('ln')} "$@"; }`,
    `chmod() { ${tool('chmod')} "$@"; }`,
    ...systemMounts(spec, machine.level),
    ...spec.mounts.flatMap(bindLines),
    ...spec.maskedPaths.map(
      (path) =>
        `[ -d ${quote(path)} ] && mount -t tmpfs -o ro,size=0 tmpfs ${quote(path)}; [ -f ${quote(path)} ] && mount --bind /dev/null ${quote(path)}`,
    ),
    ...(spec.privileged
      ? []
      : spec.readonlyPaths.map(
          (path) =>
            `[ -e ${quote(path)} ] && mount --rbind ${quote(path)} ${quote(path)} && mount -o remount,bind,ro ${quote(path)}`,
        )),
    ...(spec.readonlyRootfs
      ? ['mount -o remount,ro / || mount -o remount,bind,ro / || fail "the root cannot be made read-only"']
      : []),
    `umount -l ${old} || fail "the machine's files cannot be let go"`,
    `mkdir -p ${quote(spec.cwd)} 2>/dev/null`,
    `cd ${quote(spec.cwd)} || fail ${quote(`working directory ${spec.cwd} cannot be entered`)}`,
    ...findProgramLines(spec),
    ...handOver(finalArguments(spec, machine.level)),
  ];
}

function rootLines(spec: ContainerSpec, { dir, machine }: ScriptContext): string[] {
  const root = `${dir}/root`;
  const overlay = (lower: string, name: string, target: string) => {
    const [upper, work] = [`${dir}/upper${name}`, `${dir}/work${name}`];
    const options = [
      `lowerdir=${overlayPath(lower)}`,
      `upperdir=${overlayPath(upper)}`,
      `workdir=${overlayPath(work)}`,
    ];
    if (machine.level === 'rootless') options.push('userxattr');
    const mount = command('mount', '-t', 'overlay', '-o', options.join(','), 'overlay', target);
    return `${command('mkdir', '-p', upper, work)} && ${mount}`;
  };
  if (spec.root.kind === 'image') {
    const { lower } = spec.root;
    const copy = `${command('cp', '-a', `${lower}/.`, root)} && ${command('mount', '--bind', root, root)}`;
    return [`{ ${overlay(lower, '', root)}; } || { ${copy}; } || fail "the image cannot be mounted"`];
  }
  return [
    `${command('mount', '-t', 'tmpfs', '-o', 'mode=755,size=16m', 'tmpfs', root)} || fail "no root file system"`,
    ...spec.root.entries.flatMap(({ name, as }) => {
      const [from, to] = [`/${name}`, `${root}/${name}`];
      const bind = `${command('mount', '--rbind', from, to)} && { ${command('mount', '-o', 'remount,bind,ro', to)} || :; }`;
      if (as === 'file') return [`: >${quote(to)} && ${command('mount', '--bind', from, to)}`];
      if (as === 'read-only') return [`${command('mkdir', to)} && ${bind}`];
      if (as === 'copy-on-write') return [`${command('mkdir', to)}; { ${overlay(from, from, to)}; } || { ${bind}; }`];
      return [command('ln', '-s', as.link, to)];
    }),
    `${command('mkdir', '-p', `${dir}/tmp`, `${root}/tmp`)} && ${command('chmod', '1777', `${dir}/tmp`)} && ${command('mount', '--bind', `${dir}/tmp`, `${root}/tmp`)}`,
    `${command('mkdir', '-p', `${root}/run/lock`)}; ${command('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', `${root}/run`)}`,
  ];
}

/** Colons and commas separate in overlay's options. */
function overlayPath(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&');
}

function systemMounts(spec: ContainerSpec, level: IsolationLevel): string[] {
  const device = (from: string, to: string) =>
    `[ -e ${quote(`${old}${from}`)} ] && { mkdir -p ${quote(to.slice(0, to.lastIndexOf('/')) || '/')}; : >${quote(to)}; mount --bind ${quote(`${old}${from}`)} ${quote(to)}; }`;
  const proc =
    spec.pid === 'host'
      ? `mount --rbind ${old}/proc /proc`
      : `mount -t proc -o nosuid,nodev,noexec proc /proc || mount --rbind ${old}/proc /proc`;
  const dev = spec.privileged
    ? [`mount --rbind ${old}/dev /dev`]
    : [
        'mount -t tmpfs -o mode=755,nosuid,size=64k tmpfs /dev',
        ...['null', 'zero', 'full', 'random', 'urandom', 'tty', 'fuse'].map((name) =>
          name === 'fuse' && level !== 'root' ? ':' : device(`/dev/${name}`, `/dev/${name}`),
        ),
        'mkdir -p /dev/pts /dev/shm /dev/mqueue',
        `mount -t devpts -o newinstance,ptmxmode=0666,mode=0620${level === 'root' ? ',gid=5' : ''} devpts /dev/pts && ln -s pts/ptmx /dev/ptmx`,
        'ln -s /proc/self/fd /dev/fd; ln -s /proc/self/fd/0 /dev/stdin; ln -s /proc/self/fd/1 /dev/stdout; ln -s /proc/self/fd/2 /dev/stderr',
        ...spec.devices.map(({ hostPath, containerPath }) => device(hostPath, containerPath)),
      ];
  return [
    'mkdir -p /proc /sys /dev /tmp',
    `{ ${proc}; } || fail "/proc cannot be mounted"`,
    `mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys || { mount --rbind ${old}/sys /sys && mount -o remount,bind,ro /sys; }`,
    ...dev,
  ];
}

function bindLines({ source, target, kind, readonly, propagation }: ContainerSpec['mounts'][number]): string[] {
  const to = quote(target);
  const parent = quote(target.slice(0, target.lastIndexOf('/')) || '/');
  const place =
    kind === 'directory'
      ? `mkdir -p ${to}`
      : // A file may be a link into what is not mounted here, such as /etc/resolv.conf into /run.
        `{ mkdir -p ${parent}; [ -L ${to} ] && rm -f ${to}; [ -e ${to} ] || : >${to}; }`;
  return [
    `${place}; mount --rbind ${quote(`${old}${source}`)} ${to} || fail ${quote(`${source} cannot be mounted at ${target}`)}`,
    ...(propagation === 'private' ? [`mount --make-rprivate ${to}`] : []),
    ...(readonly ? [`mount -o remount,bind,ro ${to} || fail ${quote(`${target} cannot be made read-only`)}`] : []),
  ];
}

/** Finds the program as execvp(3) will, so that a missing one is told before the container counts as started. */
function findProgramLines({ argv, env }: ContainerSpec): string[] {
  const program = argv[0] ?? '';
  const missing = `exec: "${program}": executable file not found`;
  if (program.includes('/')) {
    return [
      `[ -e ${quote(program)} ] || fail ${quote(`exec: "${program}": no such file or directory`)}`,
      `[ -f ${quote(program)} ] && [ -x ${quote(program)} ] || fail ${quote(`exec: "${program}": permission denied`)}`,
    ];
  }
  const path = env.findLast((each) => each.startsWith('PATH='))?.slice('PATH='.length) ?? '/bin:/usr/bin';
  return [
    'found=',
    `for dir in ${path
      .split(':')
      .map((dir) => quote(dir || '.'))
      .join(' ')}; do [ -f "$dir"/${quote(program)} ] && [ -x "$dir"/${quote(program)} ] && found=1; done`,
    `[ "$found" ] || fail ${quote(`${missing} in $PATH`)}`,
  ];
}

function handOver(words: readonly string[]): string[] {
  return ["printf 'ok\\n' >&3", 'exec 3>&-', `exec ${command(...words)} <&7 >&5 2>&6 5>&- 6>&- 7<&-`];
}

/** From inside of the container to its program: identity, capabilities, environment. The same for exec. */
export function finalArguments(spec: ContainerSpec, level: IsolationLevel, argv = spec.argv): string[] {
  const env = insideTool('env', '-i', ...spec.env, ...argv);
  const capabilities = spec.privileged ? [] : ['--inh-caps=-all', '--bounding-set', spec.boundingSet];
  const privileges = spec.noNewPrivileges ? ['--no-new-privs'] : [];
  if (level === 'root') {
    const groups = spec.groups.length > 0 ? [`--groups=${spec.groups.join(',')}`] : ['--clear-groups'];
    const identity = [`--reuid=${spec.uid}`, `--regid=${spec.gid}`, ...groups];
    return insideTool('setpriv', ...identity, ...capabilities, ...privileges, '--', ...env);
  }
  // One user only is mapped here: another number is that same user, seen from a further namespace.
  const other = spec.uid !== 0 || spec.gid !== 0;
  const inner = other
    ? insideTool('unshare', '--user', `--map-user=${spec.uid}`, `--map-group=${spec.gid}`, '--', ...env)
    : env;
  return insideTool('setpriv', ...capabilities, ...privileges, '--', ...inner);
}
