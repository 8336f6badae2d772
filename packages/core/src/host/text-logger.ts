import type { Clock } from '../machinery/index.ts';
import { systemClock } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** What is logged, from everything to errors alone. */
export type LogLevel = (typeof levels)[number];

/** What a logger for people writes, and where. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Default `text`. */
  readonly format?: 'text' | 'json';
  /** Takes one line without its end; the default writes to standard error. */
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
}

/** A logger of plain lines: time, level, name, message, fields. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const {
    level = 'info',
    format = 'text',
    clock = systemClock,
    write = (line) => void process.stderr.write(`${line}\n`),
  } = options;
  const least = levels.indexOf(level);
  const make = (name: string): Logger => {
    const log = (at: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
      if (levels.indexOf(at) >= least) write(render(format, clock.now(), at, name, message, fields));
    };
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      named: (more) => make(name === '' ? more : `${name}/${more}`),
    };
  };
  return make('');
}

function render(
  format: 'text' | 'json',
  now: number,
  level: LogLevel,
  name: string,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const time = new Date(now).toISOString();
  const plain = Object.entries(fields).map(([key, value]) => [key, plainValue(value, level)] as const);
  if (format === 'json') {
    return JSON.stringify({ time, level, ...(name && { logger: name }), message, ...Object.fromEntries(plain) });
  }
  const tail = plain
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  return `${time} ${level.padEnd(5)} ${name && `${name}: `}${message}${tail}`;
}

/** Errors by their message, with the stack where somebody has to look into it. */
function plainValue(value: unknown, level: LogLevel): unknown {
  if (!(value instanceof Error)) return value;
  const expected = value.name === 'StatusError' || value.name === 'ConnectionError';
  return level === 'error' && !expected ? (value.stack ?? value.message) : value.message;
}
