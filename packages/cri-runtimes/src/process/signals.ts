import type { Signal } from '@keelson/core/cri';

/** signal(7), for x86 and Arm. */
const numbers: Readonly<Partial<Record<Signal, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGIOT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** The signal that stops a container, as a number; TERM where none is said. */
export function signalNumber(signal: Signal): number {
  const realTime = /^SIGRT(MIN|MAX)(?:(PLUS|MINUS)(\d+))?$/.exec(signal);
  if (realTime === null) return numbers[signal] ?? 15;
  const [, base, direction, offset = '0'] = realTime;
  return (base === 'MIN' ? 34 : 64) + (direction === 'MINUS' ? -1 : 1) * Number(offset);
}

/** What an image's `StopSignal` (`SIGQUIT`, `QUIT` or `3`) means; TERM where it is none. */
export function imageSignal(text: string): Signal {
  for (const [name, number] of Object.entries(numbers)) {
    if (text === name || `SIG${text}` === name || text === `${number}`) return isSignal(name) ? name : 'SIGTERM';
  }
  return 'SIGTERM';
}

function isSignal(name: string): name is Signal {
  return name in numbers;
}
