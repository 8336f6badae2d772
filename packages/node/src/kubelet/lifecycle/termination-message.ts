import { open } from 'node:fs/promises';
import { hasErrorCode } from '../errors.ts';
import { parseLogLine } from '../logs/cri-log.ts';
import { readTail } from '../logs/tail.ts';
import { type RuntimeContainer, runtimeAnnotations } from '../pods/runtime-pod.ts';

const messageLimit = 4096;
const fallbackLines = 80;
const fallbackBytes = 2048;

/**
 * What a container left to say (kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure): its
 * termination log, or with `FallbackToLogsOnError` and a failure the end of its log; after what the runtime says.
 *
 * @param path the container's termination log on the host
 */
export async function terminationMessage(container: RuntimeContainer, path: string): Promise<string> {
  const left = await head(path, messageLimit);
  const policy = container.annotations[runtimeAnnotations.terminationMessagePolicy];
  const fallback = left === '' && policy === 'FallbackToLogsOnError' && container.exitCode !== 0;
  const text = fallback ? await endOfLog(container.logPath) : left;
  if (container.message === '' || text === '') return container.message || text;
  return `${container.message}: ${text}`;
}

async function head(path: string, limit: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(limit), 0, limit, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}

async function endOfLog(path: string): Promise<string> {
  if (path === '') return '';
  try {
    const tail = await readTail(path, fallbackLines, 16 * messageLimit);
    const text = tail
      .toString('latin1')
      .split('\n')
      .map((line) => parseLogLine(Buffer.from(line, 'latin1')))
      .filter((entry) => entry !== undefined)
      .map((entry) => `${entry.text.toString('utf8')}${entry.partial ? '' : '\n'}`)
      .join('');
    const bytes = Buffer.from(text, 'utf8');
    return bytes.subarray(Math.max(0, bytes.length - fallbackBytes)).toString('utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}
