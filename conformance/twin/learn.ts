import { baseOf, objectOf } from './bases.ts';
import { namesFor } from './case.ts';
import type { Wire } from './http.ts';
import { at, isObject, type Json, type JsonObject } from './json.ts';
import { collection, definitions, type FieldSchema, type Kind, resolve } from './kinds.ts';
import { play } from './play.ts';
import { Rng } from './rng.ts';
import { emptyOf, isUntouchable, type Path, plausible, withValue } from './values.ts';

const triesPerField = 7;
/** Types of list items that are one of many: each is tried in an item of its own. */
const choices =
  /\.(Volume|EnvVar|VolumeProjection|DownwardAPIVolumeFile|MetricSpec|TopologySpreadConstraint|IngressRule|NetworkPolicyPeer)$/;
const repairs = 4;
const deepest = 9;

/**
 * The fullest valid object of a kind, found by asking the real server: field by field, whatever it takes in a dry run
 * stays. What it says about a refusal (the supported values, what is required) helps the next try.
 */
export async function learnFull(
  kind: Kind,
  real: Wire,
  known: ReadonlyMap<string, JsonObject>,
): Promise<JsonObject | undefined> {
  const start = objectOf(kind);
  if (!start || !kind.verbs.includes('create')) return undefined;
  const learner = new Learner(kind, real, start);
  const podSpec = at(known.get('pods/v1') ?? null, 'spec');
  await learner.withPodSpec(podSpec);
  await learner.learn();
  return learner.object;
}

const runs = { next: 1_000_000 };

class Learner {
  readonly #kind: Kind;
  readonly #real: Wire;
  readonly #rng: Rng;
  /** The path below which nothing more is to be learned. */
  #settled: Path | undefined;
  object: JsonObject;

  constructor(kind: Kind, real: Wire, start: JsonObject) {
    this.#kind = kind;
    this.#real = real;
    this.#rng = new Rng(kind.id);
    this.object = start;
  }

  /** Takes a whole pod template at once where the kind has one. */
  async withPodSpec(podSpec: Json | undefined): Promise<void> {
    if (podSpec === undefined || this.#kind.resource === 'pods') return;
    for (const path of [
      ['template', 'spec'],
      ['spec', 'template', 'spec'],
      ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
    ]) {
      const own = at(this.object, path.join('.'));
      if (!isObject(own) || !isObject(podSpec)) continue;
      const { activeDeadlineSeconds: _, ...rest } = podSpec;
      const restartPolicy = own['restartPolicy'] ?? 'Always';
      if (await this.#try(withValue(this.object, this.#kind.definition, path, { ...rest, restartPolicy })))
        this.#settled = path;
    }
  }

  async learn(): Promise<void> {
    await this.#fields(definitions.get(this.#kind.definition) ?? {}, []);
  }

  async #fields(type: FieldSchema, path: Path): Promise<void> {
    for (const [name, schema] of Object.entries(type.properties ?? {})) {
      if (isUntouchable(this.#kind.definition, path, name)) continue;
      await this.#field(schema, [...path, name], name);
    }
  }

  async #field(schema: FieldSchema, path: Path, name: string): Promise<void> {
    if (path.length > deepest || (this.#settled && path.join('.') === this.#settled.join('.'))) return;
    // A type that holds itself is filled once.
    if (schema.ref?.endsWith('JSONSchemaProps') && path.filter((each) => each === 'properties').length > 1) return;
    if (at(this.object, path.join('.')) === undefined && !(await this.#fill(schema, path, name))) return;
    const type = resolve(schema);
    if (type.type === 'array' && type.items) {
      await this.#fields(resolve(type.items), [...path, 0]);
      if (choices.test(type.items.ref ?? '')) await this.#choices(type.items, path);
    } else if (type.type === 'object') await this.#fields(type, path);
  }

  /** Adds an item for each choice that the first has not made. */
  async #choices(item: FieldSchema, path: Path): Promise<void> {
    const { properties = {}, required = [] } = resolve(item);
    for (const [name, schema] of Object.entries(properties)) {
      const list = at(this.object, path.join('.'));
      if (!Array.isArray(list) || required.includes(name) || resolve(schema).type !== 'object') continue;
      if (list.some((each) => isObject(each) && name in each)) continue;
      const least = emptyOf(item);
      const named: JsonObject = {
        ...(isObject(least) ? least : {}),
        ...('name' in properties && { name: `c${list.length}` }),
      };
      const here = [...path, list.length];
      if (
        await this.#try(
          withValue(this.object, this.#kind.definition, here, { ...named, [name]: emptyOf(schema, name) }),
        )
      ) {
        await this.#fields(resolve(schema), [...here, name]);
        continue;
      }
      for (let tries = 0; tries < triesPerField; tries++) {
        const value = plausible(schema, name, this.#rng);
        if (await this.#try(withValue(this.object, this.#kind.definition, here, { ...named, [name]: value }))) break;
      }
    }
  }

  async #fill(schema: FieldSchema, path: Path, name: string): Promise<boolean> {
    for (let tries = 0; tries < triesPerField; tries++) {
      const type = resolve(schema);
      const least = type.type === 'array' && type.items ? [emptyOf(type.items, name)] : emptyOf(schema, name);
      const value =
        tries === 0 && type.type !== 'string' && !type.additionalProperties
          ? least
          : plausible(schema, name, this.#rng);
      if (await this.#try(withValue(this.object, this.#kind.definition, path, value))) return true;
    }
    return false;
  }

  /** Keeps the candidate, repaired by what the server says, where it is taken. */
  async #try(candidate: JsonObject): Promise<boolean> {
    let now = candidate;
    for (let repair = 0; repair <= repairs; repair++) {
      const causes = await this.#refusal(now);
      if (causes === undefined) {
        this.object = now;
        return true;
      }
      const mended = mend(now, causes, this.#kind.definition);
      if (!mended) return false;
      now = mended;
    }
    return false;
  }

  /** The causes of a refusal; `undefined` where the object is taken. */
  async #refusal(object: JsonObject): Promise<readonly Json[] | undefined> {
    const step = {
      method: 'POST',
      path: collection(this.#kind).replace('{{ns}}', 'default'),
      query: { dryRun: 'All' },
      json: inDefault(object),
    } as const;
    const names = namesFor(runs.next++);
    const { observations } = await play(
      this.#real,
      { kind: this.#kind.id, scenario: 'learn', namespaced: false, steps: [step] },
      names,
      { idleMs: 0, start: { since: 0, version: 0 } },
    );
    const [seen] = observations;
    if (seen && seen.status >= 200 && seen.status < 300) return undefined;
    try {
      const causes = at(JSON.parse(seen?.body.toString('utf8') ?? 'null') as Json, 'details.causes');
      return Array.isArray(causes) ? causes : [];
    } catch {
      return [];
    }
  }
}

function inDefault(object: JsonObject): JsonObject {
  const text = JSON.stringify(object).replaceAll('{{ns}}', 'default');
  const value: Json = JSON.parse(text);
  return isObject(value) ? value : {};
}

/** The object changed as the causes of its refusal ask for; `undefined` where they ask for nothing that is understood. */
export function mend(object: JsonObject, causes: readonly Json[], definition: string): JsonObject | undefined {
  let result = object;
  let changed = false;
  for (const cause of causes) {
    if (!isObject(cause)) continue;
    const path = fieldPath(String(cause['field'] ?? ''));
    const message = String(cause['message'] ?? '');
    const supported = /supported values: "([^"]+)"/.exec(message)?.[1];
    if (cause['reason'] === 'FieldValueNotSupported' && supported !== undefined && path.length > 0) {
      result = withValue(result, definition, path, supported);
      changed = true;
    } else if (cause['reason'] === 'FieldValueRequired' && path.length > 0) {
      const value = valueFor(definition, path);
      if (value === undefined) continue;
      result = withValue(result, definition, path, value);
      changed = true;
    }
  }
  return changed ? result : undefined;
}

function valueFor(definition: string, path: Path): Json | undefined {
  let schema: FieldSchema = definitions.get(definition) ?? {};
  for (const key of path) {
    const type = resolve(schema);
    const next = typeof key === 'number' ? type.items : (type.properties?.[key] ?? type.additionalProperties);
    if (!next) return undefined;
    schema = next;
  }
  const type = resolve(schema);
  return type.type === 'array' && type.items
    ? [emptyOf(type.items, String(path.at(-1)))]
    : emptyOf(schema, String(path.at(-1)));
}

/** `spec.a[0].b` as a path; keys in brackets that are no number are names. */
export function fieldPath(field: string): Path {
  return [...field.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, name, inner]) =>
    inner !== undefined && /^\d+$/.test(inner) ? Number(inner) : (name ?? inner ?? ''),
  );
}

/** Kinds in the order in which they can learn from one another. */
export const learningOrder = (kinds: readonly Kind[]): Kind[] =>
  [...kinds.filter((kind) => kind.resource === 'pods'), ...kinds.filter((kind) => kind.resource !== 'pods')].filter(
    (kind) => baseOf(kind) !== undefined && kind.verbs.includes('get'),
  );
