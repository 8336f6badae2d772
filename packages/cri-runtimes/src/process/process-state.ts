import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../images/build-image.ts';
import type { ProcessIdentity } from '../model/process-identity.ts';
import type { ContainerRecord, SandboxRecord } from '../model/records.ts';
import type { ContainerSpec } from './container-spec.ts';
import { removeTree } from './process-images.ts';

/** A sandbox as it is kept on disk. */
export interface SandboxState {
  readonly record: SandboxRecord;
  /** Keeps the pod's namespaces; undefined where there are none. */
  readonly holder?: ProcessIdentity;
  /** nsenter(1)'s, to join the pod's namespaces; without those for processes. */
  readonly flags: readonly string[];
  /** Whether the holder is the first process of a pid namespace for the whole pod. */
  readonly sharesPid: boolean;
  /** The name of the pod's network namespace, if it has one of its own. */
  readonly netns?: string;
  /** The address taken on the node's loopback, if it has none of its own. */
  readonly loopback?: string;
  /** Processes of another boot are gone. */
  readonly bootId: string;
}

/** A container as it is kept on disk. */
export interface ContainerState {
  readonly record: ContainerRecord;
  readonly spec: ContainerSpec;
  readonly shim?: ProcessIdentity;
  /** The first process of the container. */
  readonly init?: ProcessIdentity;
  readonly cgroupParent: string;
}

const sandboxSchema = z.looseObject({ record: z.looseObject({ id: z.string() }), bootId: z.string() });
const containerSchema = z.looseObject({
  record: z.looseObject({ id: z.string(), sandboxId: z.string() }),
  spec: z.looseObject({ argv: z.array(z.string()) }),
});

/** Where a node's pods are kept: `pods/<id>/sandbox.json` and `containers/<id>/container.json`. */
export class StateDirectory {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  podDir(id: string): string {
    return join(this.dir, 'pods', id);
  }

  containerDir(id: string): string {
    return join(this.dir, 'containers', id);
  }

  async saveSandbox(state: SandboxState): Promise<void> {
    await replaceFile(join(this.podDir(state.record.id), 'sandbox.json'), encode(state));
  }

  async saveContainer(state: ContainerState): Promise<void> {
    await replaceFile(join(this.containerDir(state.record.id), 'container.json'), encode(state));
  }

  async removeSandbox(id: string): Promise<void> {
    await removeTree(this.podDir(id));
  }

  async removeContainer(id: string): Promise<void> {
    await removeTree(this.containerDir(id));
  }

  /** What an earlier process wrote; a directory without its file was never finished, and is taken away. */
  async load(): Promise<{ readonly sandboxes: SandboxState[]; readonly containers: ContainerState[] }> {
    const sandboxes = await this.#loadAll('pods', 'sandbox.json', isSandboxState);
    const containers = await this.#loadAll('containers', 'container.json', isContainerState);
    return { sandboxes, containers };
  }

  async #loadAll<T>(kind: string, file: string, is: (value: unknown) => value is T): Promise<T[]> {
    const parent = join(this.dir, kind);
    await mkdir(parent, { recursive: true });
    const states: T[] = [];
    for (const id of await readdir(parent)) {
      const path = join(parent, id, file);
      const value = existsSync(path) ? decode(await readFile(path, 'utf8')) : undefined;
      if (is(value)) states.push(value);
      else await removeTree(join(parent, id));
    }
    return states;
  }
}

/** This process wrote it whole or not at all; the schema tells another version's or a stranger's file. */
function isSandboxState(value: unknown): value is SandboxState {
  return sandboxSchema.safeParse(value).success;
}

function isContainerState(value: unknown): value is ContainerState {
  return containerSchema.safeParse(value).success;
}

function encode(value: object): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (each instanceof Uint8Array) return { $bytes: Buffer.from(each).toString('base64') };
    // A Buffer has turned itself into this before the replacer sees it.
    if (isBufferJson(each)) return { $bytes: Buffer.from(each.data).toString('base64') };
    return each;
  });
}

function isBufferJson(value: unknown): value is { readonly data: number[] } {
  return z.strictObject({ type: z.literal('Buffer'), data: z.array(z.number()) }).safeParse(value).success;
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text, (_key, each: unknown) => {
      const bytes = z.strictObject({ $bytes: z.string() }).safeParse(each);
      return bytes.success ? Buffer.from(bytes.data.$bytes, 'base64') : each;
    });
  } catch {
    return undefined;
  }
}
