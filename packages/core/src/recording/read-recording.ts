import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type RecordedHead, type RecordingLine, recordingLine } from './recording-line.ts';

/** What an operator saw and did, in the order in which it was written. */
export interface Recording {
  readonly operator: string;
  readonly lines: readonly RecordingLine[];
}

interface Part {
  readonly head: RecordedHead;
  readonly lines: readonly RecordingLine[];
}

/**
 * Reads a recording: one file, or all of a directory, of one operator. A line that was cut off when the process died is
 * left out.
 * @throws Error that says which line of which file is none of a recording
 */
export async function readRecording(path: string): Promise<Recording> {
  const isDirectory = (await stat(path)).isDirectory();
  const files = isDirectory
    ? (await readdir(path)).filter((each) => each.endsWith('.jsonl')).map((each) => join(path, each))
    : [path];
  const parts: Part[] = [];
  for (const each of files) parts.push(partOf(each, await readFile(each, 'utf8')));
  const operators = [...new Set(parts.map(({ head }) => head.operator))];
  const [operator] = operators;
  if (operator === undefined) throw new Error(`${path} holds no recording`);
  if (operators.length > 1) {
    throw new Error(`${path} holds recordings of ${operators.join(', ')}: give the files of one of them`);
  }
  parts.sort((left, right) => left.head.at - right.head.at || left.head.part - right.head.part);
  return { operator, lines: parts.flatMap(({ lines }) => lines) };
}

function partOf(file: string, text: string): Part {
  const lines: RecordingLine[] = [];
  const ended = text.endsWith('\n');
  const texts = text.split('\n').filter((each) => each !== '');
  for (const [at, each] of texts.entries()) {
    let json: unknown;
    try {
      json = JSON.parse(each);
    } catch (error) {
      if (at === texts.length - 1 && !ended) break;
      throw new Error(`${file}: line ${at + 1} is no JSON`, { cause: error });
    }
    const parsed = recordingLine.safeParse(json);
    if (!parsed.success) {
      throw new Error(`${file}: line ${at + 1} is none of a recording: ${z.prettifyError(parsed.error)}`);
    }
    lines.push(parsed.data);
  }
  const [head] = lines;
  if (head?.is !== 'recording') throw new Error(`${file} does not begin as a recording does`);
  return { head, lines };
}
