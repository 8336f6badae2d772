import {
  type Client,
  CustomResourceDefinition,
  isStatusError,
  type KubernetesObject,
  type ResourceType,
} from '@keelson/core';
import { eventually } from '../cluster-process.ts';
import { KnownState } from './known-state.ts';
import { marker } from './quota-race.ts';
import type { Seeded } from './seeded.ts';

const group = 'storm.example.com';
const namespace = 'default';

interface Custom extends KubernetesObject {
  readonly spec: { readonly n: number; readonly text: string; readonly mode?: string };
}
type Definition = CustomResourceDefinition;

const typeOf = (plural: string, version: string): ResourceType<Custom> => ({
  group,
  version,
  kind: plural === 'widgets' ? 'Widget' : `Gadget${plural.slice('gadgets'.length)}`,
  plural,
  namespaced: true,
});
const textOf = (n: number) => `${marker}-${n}`;

/** A definition like no other: another default, other bounds and rules, stored in either version, a third one or none. */
function shape(plural: string, random: Seeded): Definition['spec'] {
  const stored = random.pick(['v1', 'v2']);
  const names = random.chance(0.5) ? ['v1', 'v2', 'v3'] : ['v1', 'v2'];
  const version = (name: string): Definition['spec']['versions'][number] => ({
    name,
    served: true,
    storage: name === stored,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            required: ['n', 'text'],
            properties: {
              n: { type: 'integer', ...(random.chance(0.5) && { maximum: 10 + random.below(10_000) }) },
              text: { type: 'string', ...(random.chance(0.3) && { pattern: '[02468]$' }) },
              mode: { type: 'string', ...(random.chance(0.7) && { default: `m${random.below(100)}` }) },
              [`more${random.below(50)}`]: {
                type: 'object',
                default: {},
                properties: { deep: { type: 'integer', default: 3 } },
              },
            },
            ...(random.chance(0.5) && {
              'x-kubernetes-validations': [{ rule: `self.n % ${2 + random.below(5)} != 1`, message: 'not this one' }],
            }),
            ...(random.chance(0.3) && { 'x-kubernetes-preserve-unknown-fields': true }),
          },
        },
      },
    },
  });
  const { kind } = typeOf(plural, 'v1');
  return {
    group,
    scope: 'Namespaced',
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: names.map(version),
  };
}

const established = ({ status }: Definition) =>
  status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true;

/** Definitions that change while their objects are written, and definitions that come and go with their objects. */
export class ChangingCrds {
  readonly #objects = new KnownState<string>();
  readonly #busy = new Set<string>();
  readonly #random: Seeded;
  #n = 0;
  readonly counts = { shapes: 0, written: 0, refused: 0, whole: 0 };

  constructor(random: Seeded) {
    this.#random = random;
  }

  async prepare(client: Client): Promise<void> {
    await client.create(CustomResourceDefinition, {
      metadata: { name: `widgets.${group}` },
      spec: shape('widgets', this.#random),
    });
    const look = () => client.get(CustomResourceDefinition, { name: `widgets.${group}` });
    await eventually(look, established, 'the definition is established');
  }

  async change(client: Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const definition = await client.get(CustomResourceDefinition, { name: `widgets.${group}` });
      try {
        await client.update(CustomResourceDefinition, { ...definition, spec: shape('widgets', this.#random) });
        this.counts.shapes++;
      } catch (error) {
        if (!isStatusError(error, 'Conflict')) throw error;
      }
    }
  }

  async write(client: Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const type = typeOf('widgets', this.#random.pick(['v1', 'v2']));
      const spec = { n: this.#n, text: textOf(this.#n) };
      this.#n++;
      try {
        if (this.#random.chance(0.4) || this.#objects.present.length < 10) {
          const name = `w${spec.n}`;
          const send = () => client.create(type, { metadata: { name, namespace }, spec });
          await this.#objects.write(name, spec.text, send);
        } else {
          const { present } = this.#objects;
          const name = present[this.#random.below(present.length)] ?? '';
          // Of two writes at a time nobody knows which came last.
          if (this.#busy.has(name)) continue;
          this.#busy.add(name);
          const send = () => client.patch(type, { name, namespace }, { merge: { spec } });
          await this.#objects.write(name, spec.text, send).finally(() => this.#busy.delete(name));
        }
        this.counts.written++;
      } catch (error) {
        if (!isStatusError(error, 'Invalid')) throw error;
        this.counts.refused++;
      }
    }
  }

  /** Defines a kind, makes objects of it, and deletes the definition. Whenever it is there anew, it is empty. */
  async comeAndGo(client: Client, signal: AbortSignal, seen: string[]): Promise<void> {
    for (let n = 0; !signal.aborted; n++) {
      const plural = `gadgets${n % 3}`;
      const ref = { name: `${plural}.${group}` };
      try {
        await client.create(CustomResourceDefinition, { metadata: ref, spec: shape(plural, this.#random) });
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists')) throw error;
        await deleteIfThere(client, ref);
        continue;
      }
      while (!signal.aborted && !established(await client.get(CustomResourceDefinition, ref)));
      const type = typeOf(plural, 'v1');
      const before = await servedList(client, type, signal);
      for (const { metadata } of before) seen.push(`${metadata.name} outlived its definition ${ref.name}`);
      for (let made = 0; made < 10 && !signal.aborted; made++) {
        const metadata = { name: `${plural}-${n}-${made}`, namespace };
        await client.create(type, { metadata, spec: { n: 0, text: textOf(0) } });
      }
      await deleteIfThere(client, ref);
      this.counts.whole++;
    }
  }

  /** From now on objects are not held to any bounds, so that each can be written as it is. */
  async relax(client: Client): Promise<void> {
    const definition = await client.get(CustomResourceDefinition, { name: `widgets.${group}` });
    const schema = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    };
    const versions = definition.spec.versions.map((each) => ({ ...each, schema }));
    await client.update(CustomResourceDefinition, { ...definition, spec: { ...definition.spec, versions } });
  }

  /** What is wrong with the objects: each is to be read in all versions, by list and by name, and to be written. */
  async afterRestart(client: Client): Promise<readonly string[]> {
    const problems: string[] = [];
    const definition = await client.get(CustomResourceDefinition, { name: `widgets.${group}` });
    if (!established(definition)) problems.push('the definition is not established');
    const versions = definition.spec.versions.map(({ name }) => name);
    const listed = await Promise.all(
      versions.map(async (version) => {
        const { items } = await client.list(typeOf('widgets', version), { namespace });
        return { version, items };
      }),
    );
    for (const { version, items } of listed) {
      for (const { apiVersion, metadata, spec } of items) {
        if (apiVersion !== `${group}/${version}`) problems.push(`${metadata.name} in ${version} is of ${apiVersion}`);
        if (spec.text !== textOf(spec.n)) problems.push(`${metadata.name} in ${version} is half written`);
      }
    }
    const [first, ...others] = listed.map(
      ({ items }) => new Map(items.map((each) => [each.metadata.name ?? '', each.spec.text])),
    );
    for (const other of others) if (other.size !== first?.size) problems.push('versions differ in how many they list');
    problems.push(...this.#objects.compare(first ?? new Map()));
    const names = [...(first?.keys() ?? [])];
    for (let taken = 0; taken < Math.min(30, names.length); taken++) {
      const name = names[this.#random.below(names.length)] ?? '';
      for (const version of versions) {
        const found = await client.get(typeOf('widgets', version), { name, namespace });
        if (found.spec.text !== first?.get(name)) problems.push(`${name} is another one in ${version}`);
      }
    }
    return problems;
  }
}

/** The kinds that are there, once all that are on their way out are gone. */
export async function customTypes(client: Client): Promise<readonly ResourceType[]> {
  const look = () => client.list(CustomResourceDefinition);
  const settled = ({ items }: { readonly items: readonly Definition[] }) =>
    items.every((each) => each.metadata.deletionTimestamp === undefined && established(each));
  const { items } = await eventually(look, settled, 'definitions that were deleted are gone');
  return items.map(({ spec }) => typeOf(spec.names.plural, 'v1'));
}

async function deleteIfThere(client: Client, ref: { readonly name: string }): Promise<void> {
  try {
    await client.delete(CustomResourceDefinition, ref);
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error;
  }
}

/** A definition is established a moment before it is served. */
async function servedList(client: Client, type: ResourceType<Custom>, signal: AbortSignal): Promise<readonly Custom[]> {
  while (!signal.aborted) {
    try {
      return (await client.list(type)).items;
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
  return [];
}
