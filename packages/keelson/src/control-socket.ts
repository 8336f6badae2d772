import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { filesBelow, type Storage, writeBackup } from '@keelson/apiserver';
import type { Lifecycle } from '@keelson/core/plugin';
import { UserError } from './user-error.ts';

/** The path of a Unix socket may have so many bytes, on every system that has them. */
const longestPath = 100;
const backupRequest = 'backup\n';
const refusal = 'ERROR ';

/** Where the cluster of a data directory listens to its owner. */
export function controlPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock');
  if (Buffer.byteLength(path) <= longestPath) return path;
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
  return join(tmpdir(), `keelson-${userInfo().uid}`, `${name}.sock`);
}

/** Serves `keelson backup` while the cluster runs: to who may open the socket, which is its owner alone. */
export function controlSocket(dataDir: string, storage: Storage): Lifecycle {
  const path = controlPath(dataDir);
  const open = new Set<Socket>();
  let server: Server | undefined;
  return {
    name: 'control-socket',
    phase: 'ready',
    async start() {
      mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
      await rm(path, { force: true });
      const listening = createServer((socket) => {
        open.add(socket);
        socket.once('close', () => open.delete(socket));
        void serve(socket, dataDir, storage);
      });
      server = listening;
      listening.listen(path);
      await once(listening, 'listening');
      await chmod(path, 0o600);
    },
    async stop() {
      for (const each of open) each.destroy();
      await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
      await rm(path, { force: true });
    },
  };
}

async function serve(socket: Socket, dataDir: string, storage: Storage): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('the other side is gone')));
  socket.on('error', () => socket.destroy());
  try {
    const [request]: unknown[] = await once(socket, 'data', { signal: gone.signal });
    if (String(request) !== backupRequest) throw new Error('this program is of another version than the cluster');
    const files = await filesBelow(dataDir, 'pki');
    await writeBackup((bytes) => written(socket, bytes, gone.signal), storage.freeze(), files, gone.signal);
    socket.end();
  } catch (error) {
    // Whatever was sent before lacks its end, and is refused for that.
    if (!gone.signal.aborted) socket.end(`${refusal}${error instanceof Error ? error.message : String(error)}`);
  }
}

async function written(socket: Socket, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain', { signal });
}

/** Asks the running cluster for a backup. Rejects with `UserError` if it refuses. */
export async function askForBackup(dataDir: string, append: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const socket = createConnection(controlPath(dataDir));
  socket.write(backupRequest);
  let first = true;
  try {
    for await (const chunk of socket) {
      const bytes = Buffer.from(chunk);
      if (first && bytes.toString('utf8', 0, refusal.length) === refusal) {
        throw new UserError(bytes.toString('utf8', refusal.length));
      }
      first = false;
      await append(bytes);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`the cluster on ${dataDir} does not answer: ${error instanceof Error ? error.message : error}`);
  }
}
