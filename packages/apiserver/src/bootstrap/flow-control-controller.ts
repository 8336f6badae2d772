import {
  type ApiRequest,
  deepEqual,
  FlowSchema,
  type FlowSchemaCondition,
  isStatusError,
  type KubernetesObject,
  PriorityLevelConfiguration,
  timestamp,
} from '@keelson/core';
import { follow } from '../authorization/follow.ts';
import { defaultLevels, defaultSchemas, mandatoryNames } from '../registry/strategies/serving/flow-control-defaults.ts';
import type { ServerLoopOptions } from './api-service-controller.ts';
import { PendingKeys } from './pending-keys.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const schemaTarget = { group, version: 'v1', resource: FlowSchema.plural };
const levelTarget = { group, version: 'v1', resource: PriorityLevelConfiguration.plural };
const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
const producer = 'api-priority-and-fairness-config-producer-v1';
const consumer = 'api-priority-and-fairness-config-consumer-v1';
const oneMinute = 60_000;

type Configuration = FlowSchema | PriorityLevelConfiguration;

export interface FlowControlLoopOptions extends ServerLoopOptions {
  /** Told of the whole configuration when it has changed; changes that come together are told of once. */
  configured?(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): void;
}

/** Whether the server may put the spec of a configuration back: its annotation says so, or nobody has changed it yet. */
export function isKept({ metadata }: KubernetesObject): boolean {
  if ((mandatoryNames as readonly string[]).includes(metadata.name ?? '')) return true;
  const says = metadata.annotations?.[autoUpdate];
  return says === 'true' || (says !== 'false' && metadata.generation === 1);
}

/** What a FlowSchema says of the level that it leads to. */
export function danglingOf(level: string, there: boolean): Omit<FlowSchemaCondition, 'lastTransitionTime'> {
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  return there
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${about} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${about} but there is no such object` };
}

/** Keeps the FlowSchemas and priority levels of every cluster there, and each FlowSchema's condition `Dangling`. */
export class FlowControlController {
  readonly #options: FlowControlLoopOptions;
  readonly #schemas = new Map<string, FlowSchema>();
  readonly #levels = new Map<string, PriorityLevelConfiguration>();
  readonly #pending: PendingKeys;
  #telling = false;

  constructor(options: FlowControlLoopOptions) {
    this.#options = options;
    this.#pending = new PendingKeys(options.logger, 'a FlowSchema', (name) => this.#reconcile(name));
  }

  /** Resolves when the configuration is there; goes on until the signal. */
  async start(signal: AbortSignal): Promise<void> {
    const { handler, clock, logger } = this.#options;
    const options = { ...this.#options, signal };
    signal.addEventListener('abort', () => this.#pending.stop(), { once: true });
    await follow(
      handler,
      levelTarget,
      {
        set: (object) => this.#changeLevel(object as PriorityLevelConfiguration, true),
        delete: (object) => this.#changeLevel(object as PriorityLevelConfiguration, false),
      },
      options,
    );
    await follow(
      handler,
      schemaTarget,
      {
        set: (object) => {
          this.#schemas.set(object.metadata.name ?? '', object as FlowSchema);
          this.#pending.add(object.metadata.name ?? '');
          this.#tell();
        },
        delete: ({ metadata: { name = '' } }) => {
          this.#schemas.delete(name);
          this.#tell();
        },
      },
      options,
    );
    await this.#ensure();
    const keep = async () => {
      while (!signal.aborted) {
        await clock.sleep(oneMinute, signal);
        await this.#ensure();
      }
    };
    const begin = () => {
      keep().catch((error: unknown) => {
        if (signal.aborted) return;
        logger.warn('the configuration of flow control could not be kept', { error: String(error) });
        begin();
      });
    };
    begin();
  }

  async #ensure(): Promise<void> {
    const ensure = async (wanted: Readonly<Record<string, object>>, found: ReadonlyMap<string, Configuration>) => {
      const isLevel = wanted === defaultLevels;
      const base = isLevel ? levelTarget : schemaTarget;
      const kind = isLevel ? 'PriorityLevelConfiguration' : 'FlowSchema';
      await Promise.all(
        Object.entries(wanted).map(([name, spec]) => {
          const existing = found.get(name);
          const options = { fieldManager: producer };
          if (!existing) {
            const metadata = { name, annotations: { [autoUpdate]: 'true' } };
            const body = { kind, apiVersion: `${group}/v1`, metadata, spec };
            return this.#send({ ...base, verb: 'create', options, body });
          }
          if (!isKept(existing) || sameSpec(name, existing.spec, spec)) return undefined;
          return this.#send({ ...base, verb: 'update', name, options, body: { ...existing, spec } });
        }),
      );
    };
    await ensure(defaultLevels, this.#levels);
    await ensure(defaultSchemas, this.#schemas);
  }

  #changeLevel(level: PriorityLevelConfiguration, there: boolean): void {
    const { name = '' } = level.metadata;
    const before = this.#levels.has(name);
    if (there) this.#levels.set(name, level);
    else this.#levels.delete(name);
    this.#tell();
    if (before === there) return;
    for (const schema of this.#schemas.values()) {
      if (schema.spec?.priorityLevelConfiguration.name === name) this.#pending.add(schema.metadata.name ?? '');
    }
  }

  #tell(): void {
    const { configured } = this.#options;
    if (!configured || this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      configured([...this.#schemas.values()], [...this.#levels.values()]);
    });
  }

  async #reconcile(name: string): Promise<void> {
    const schema = this.#schemas.get(name);
    if (!schema) return;
    const level = schema.spec?.priorityLevelConfiguration.name ?? '';
    const found = danglingOf(level, this.#levels.has(level));
    const old = schema.status?.conditions?.find((each) => each.type === found.type);
    const { status, reason, message } = found;
    if (old && old.status === status && old.reason === reason && old.message === message) return;
    const kept = old && old.status === status ? old.lastTransitionTime : undefined;
    const condition = { ...found, lastTransitionTime: kept ?? timestamp(this.#options.clock) };
    const body = {
      kind: 'FlowSchema',
      apiVersion: `${group}/v1`,
      metadata: { name },
      status: { conditions: [condition] },
    };
    await this.#send({
      ...schemaTarget,
      verb: 'patch',
      name,
      subresource: 'status',
      patchType: 'application/apply-patch+yaml',
      options: { fieldManager: consumer, force: true },
      body,
    });
  }

  async #send(request: ApiRequest): Promise<void> {
    const { handler, user } = this.#options;
    try {
      await handler.handle(request, user);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error;
    }
  }
}

/** Who runs the cluster may set what is lent of the exempt level. */
function sameSpec(name: string, given: object | undefined, wanted: object): boolean {
  if (name !== 'exempt' || !given || !('exempt' in given)) return deepEqual(given, wanted);
  return deepEqual({ ...given, exempt: undefined }, { ...wanted, exempt: undefined });
}
