import { writeSync } from 'node:fs';
import type { Logger } from '@keelson/core';
import { pino } from 'pino';
import { UserError } from './user-error.ts';

/** For people, or lines of JSON for machines. */
export type LogFormat = 'text' | 'json';
/** What is logged, from everything to errors alone. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** @throws UserError for an unknown level. Logs to standard error: one line an entry, for people (`text`) or machines (`json`, by pino). */
export function createLogger(format: LogFormat, wanted: string = 'info', now: () => number = Date.now): Logger {
  const level = order.find((each) => each === wanted);
  if (level === undefined) throw new UserError(`log level ${wanted}: not one of ${order.join(', ')}`);
  return format === 'json' ? jsonLogger(level) : textLogger(level, now);
}

function jsonLogger(level: LogLevel): Logger {
  const wrap = (base: pino.Logger): Logger => ({
    debug: (message, fields = {}) => base.debug(plain(fields), message),
    info: (message, fields = {}) => base.info(plain(fields), message),
    warn: (message, fields = {}) => base.warn(plain(fields), message),
    error: (message, fields = {}) => base.error(plain(fields), message),
    named: (name) => wrap(base.child({ logger: name })),
  });
  const destination = pino.destination({ dest: 2, sync: true });
  return wrap(
    pino(
      {
        level,
        base: undefined,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    ),
  );
}

function textLogger(level: LogLevel, now: () => number, name = ''): Logger {
  const least = order.indexOf(level);
  const write = (at: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    if (order.indexOf(at) < least) return;
    const time = new Date(now()).toISOString().slice(11, 23);
    const rest = Object.entries(plain(fields)).map(([key, value]) => ` ${key}=${quote(value)}`);
    try {
      writeSync(2, `${time} ${at.padEnd(5)} ${name === '' ? '' : `${name}: `}${message}${rest.join('')}\n`);
    } catch (error) {
      // A reader that went away, or a full pipe, must not end the cluster.
      if (!['EPIPE', 'EAGAIN'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    named: (inner) => textLogger(level, now, name === '' ? inner : `${name}.${inner}`),
  };
}

function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text);
}
