import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Client,
  createClient,
  httpTransport,
  isStatusError,
  type KubernetesObject,
  loadKubeconfig,
  type ResourceType,
  SelfSubjectReview,
  ServiceAccount,
} from '@keelson/core';
import { z } from 'zod';
import { cli, command } from '../cluster-process.ts';
import type { Seeded } from './seeded.ts';

const sorts = ['aesgcm', 'aescbc', 'secretbox'] as const;
/** Those whose objects this test can all write anew. */
const encrypted = [
  'secrets',
  'configmaps',
  'pods',
  'resourcequotas',
  'customresourcedefinitions.apiextensions.k8s.io',
  '*.storm.example.com',
];
interface Key {
  readonly sort: (typeof sorts)[number];
  readonly name: string;
  readonly secret: string;
}
const TokenAnswer = z.object({ status: z.object({ token: z.string() }) });
const account = { name: 'default', namespace: 'default' };

/** Keys of the store, in a file that the server reads, and the key that signs ServiceAccount tokens. */
export class RotatingKeys {
  readonly #file: string;
  readonly #dataDir: string;
  readonly #random: Seeded;
  readonly #tokens: string[] = [];
  #keys: readonly Key[] = [];
  #named = 0;
  #lastWasCut = false;

  constructor(options: { readonly file: string; readonly dataDir: string; readonly random: Seeded }) {
    this.#file = options.file;
    this.#dataDir = options.dataDir;
    this.#random = options.random;
  }

  /** From now on another key encrypts; what the earlier ones have encrypted can be read. */
  async rotateStore(): Promise<void> {
    const key = {
      sort: this.#random.pick(sorts),
      name: `k${this.#named++}`,
      secret: randomBytes(32).toString('base64'),
    };
    await this.#writeKeys([key, ...this.#keys]);
  }

  /** Only after everything was written anew by a server that has read the file. */
  async dropOldKeys(): Promise<void> {
    await this.#writeKeys(this.#keys.slice(0, 1));
  }

  /** `keelson rotate-key`, at times itself ended without a warning, but never twice in a row. */
  async rotateSigner(): Promise<void> {
    const args = [cli, 'rotate-key', '--data-dir', this.#dataDir];
    const cut = this.#random.chance(0.5) && !this.#lastWasCut;
    this.#lastWasCut = cut;
    const outcome = await command(
      process.execPath,
      args,
      cut ? { timeoutMs: 50 + this.#random.below(400), killSignal: 'SIGKILL' } : {},
    );
    if (!cut && outcome.code !== 0) throw new Error(`keelson rotate-key: ${outcome.stderr}`);
  }

  async takeToken(client: Client): Promise<void> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const answer = await client.createSubresource(ServiceAccount, account, 'token', body);
    this.#tokens.push(TokenAnswer.parse(answer).status.token);
  }

  /** How many keys have signed what was handed out. */
  get signers(): number {
    return new Set(this.#tokens.map((each) => each.split('.')[0])).size;
  }

  /** Whatever has signed it, a token is good. */
  async afterRestart(kubeconfig: string): Promise<readonly string[]> {
    const { server, ca } = await loadKubeconfig(kubeconfig);
    const problems: string[] = [];
    for (const [index, token] of this.#tokens.entries()) {
      const transport = httpTransport({ server, token, ...(ca !== undefined && { ca }) });
      try {
        const review = await createClient(transport).create(SelfSubjectReview, { metadata: {} });
        const name = review.status?.userInfo?.username;
        if (name !== 'system:serviceaccount:default:default')
          problems.push(`token ${index} is taken for one of ${name}`);
      } catch (error) {
        if (!isStatusError(error)) throw error;
        problems.push(`token ${index} is refused: ${error.message}`);
      } finally {
        transport.close();
      }
    }
    return problems;
  }

  async #writeKeys(keys: readonly Key[]): Promise<void> {
    this.#keys = keys;
    const config = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [
        {
          resources: encrypted,
          providers: keys.map(({ sort, name, secret }) => ({ [sort]: { keys: [{ name, secret }] } })),
        },
      ],
    };
    await writeFile(`${this.#file}.new`, JSON.stringify(config), { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
  }
}

/** Writes every object as it is, so that the newest key encrypts it. */
export async function writeAllAnew(client: Client, types: readonly ResourceType[]): Promise<void> {
  for (const type of types) {
    const { items } = await client.list(type);
    for (const each of items) await writeAnew(client, type, each);
  }
}

async function writeAnew(client: Client, type: ResourceType, object: KubernetesObject): Promise<void> {
  for (let current = object; ; ) {
    try {
      await client.update(type, current);
      return;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return;
      if (!isStatusError(error, 'Conflict')) throw error;
    }
    try {
      current = await client.get(type, object.metadata);
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return;
      throw error;
    }
  }
}

/** The files below a folder that hold a text as it is. */
export async function filesWith(dir: string, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const each of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue;
    const path = join(each.parentPath, each.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
