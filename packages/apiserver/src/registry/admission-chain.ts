import type { ApiRequest, Clock, KubernetesObject, ManagedFieldsEntry } from '@keelson/core';
import type {
  AdmissionAttributes,
  AdmissionPlugin,
  ObjectForm,
  Reinvocation,
  WriteTerms,
} from '@keelson/core/admission';
import type { AdmissionStep } from '../admission/admission-metrics.ts';
import type { Fence } from '../storage/contract.ts';
import type { RegistryContext } from './context.ts';
import type { UserInfo } from './contract.ts';
import type { ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import { managersProblem } from './ownership/managers.ts';
import { endTerms } from './write-terms.ts';

/** One request on its way through the registry. */
export interface Call {
  readonly kind: Kind;
  readonly request: ApiRequest;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly warnings: string[];
  /** One of many that are deleted together: admission is told no name then, as by Kubernetes. */
  readonly collective?: boolean;
  /** A write by the server itself, for what is written on these terms: it is not settled once more. */
  readonly within?: readonly Fence[];
}

type Operation = AdmissionAttributes['operation'];

interface Gate<Run> {
  readonly run: Run;
  observe(seconds: number, rejected: boolean): void;
}

interface Gates<Run> {
  readonly gates: readonly Gate<Run>[];
  observe(seconds: number, rejected: boolean): void;
}

type Admitting = NonNullable<AdmissionPlugin['admit']>;
type Validating = NonNullable<AdmissionPlugin['validate']>;

interface GatesOfKind {
  readonly admitting: Partial<Record<Operation, Gates<Admitting>>>;
  readonly validating: Partial<Record<Operation, Gates<Validating>>>;
}

const known = new WeakMap<RegistryContext['admission'], WeakMap<Kind, GatesOfKind>>();

function gatesOfKind({ admission }: RegistryContext, kind: Kind): GatesOfKind {
  let byKind = known.get(admission);
  if (!byKind) {
    byKind = new WeakMap();
    known.set(admission, byKind);
  }
  let gates = byKind.get(kind);
  if (!gates) {
    gates = { admitting: {}, validating: {} };
    byKind.set(kind, gates);
  }
  return gates;
}

/** The gates that look at a kind's resource, whatever subresource, worked out once. */
function gatesFor<Run>(
  { admission, metrics }: RegistryContext,
  { names }: Kind,
  operation: Operation,
  step: AdmissionStep,
  runOf: (plugin: AdmissionPlugin) => Run | undefined,
): Gates<Run> {
  const gates: Gate<Run>[] = [];
  for (const plugin of admission) {
    const { resources, name } = plugin;
    const run = runOf(plugin);
    const looks = !resources || resources.some((each) => each.group === names.group && each.plural === names.resource);
    if (run && looks) gates.push({ run, observe: metrics.ofPlugin(name, operation, step) });
  }
  return { gates, observe: metrics.ofStep(operation, step) };
}

function admitting(context: RegistryContext, kind: Kind, operation: Operation): Gates<Admitting> {
  const gates = gatesOfKind(context, kind).admitting;
  gates[operation] ??= gatesFor(context, kind, operation, 'admit', (plugin) => plugin.admit?.bind(plugin));
  return gates[operation];
}

function validating(context: RegistryContext, kind: Kind, operation: Operation): Gates<Validating> {
  const gates = gatesOfKind(context, kind).validating;
  gates[operation] ??= gatesFor(context, kind, operation, 'validate', (plugin) => plugin.validate?.bind(plugin));
  return gates[operation];
}

/** The rounds of one request: made only for those that ask. */
class Rounds implements Reinvocation {
  again = false;
  requested = false;
  readonly kept = new Map<string, unknown>();

  request(): void {
    this.requested = true;
  }
}

/** What plugins are told. Every write comes through here: what few of them ask for is made when they ask. */
class Asked implements AdmissionAttributes {
  readonly operation: Operation;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  declare readonly namespace?: string;
  declare readonly subresource?: string;
  declare readonly signal?: AbortSignal;
  declare object?: KubernetesObject;
  declare readonly oldObject?: KubernetesObject;
  readonly #context: RegistryContext;
  readonly #call: Call;
  #rounds: Rounds | undefined;

  constructor(
    context: RegistryContext,
    call: Call,
    operation: Operation,
    object: KubernetesObject | undefined,
    oldObject: KubernetesObject | undefined,
  ) {
    const { kind, request, collective } = call;
    this.#context = context;
    this.#call = call;
    this.operation = operation;
    this.group = request.group;
    this.version = request.version;
    this.resource = request.resource;
    this.kind = kind.served.kind;
    this.name = collective ? '' : (request.name ?? object?.metadata.name ?? oldObject?.metadata.name ?? '');
    this.user = call.user;
    this.dryRun = call.dryRun;
    this.options = (request.options ?? {}) as Readonly<Record<string, unknown>>;
    if (request.namespace !== undefined) this.namespace = request.namespace;
    if (request.subresource !== undefined) this.subresource = request.subresource;
    if (request.signal) this.signal = request.signal;
    if (object) this.object = object;
    if (oldObject) this.oldObject = oldObject;
  }

  get forms(): readonly ObjectForm[] {
    return this.#context.forms.of(this.#call);
  }

  get reinvocation(): Reinvocation {
    this.#rounds ??= new Rounds();
    return this.#rounds;
  }

  /** Whether somebody has asked for a second round. */
  get wantsAgain(): boolean {
    return this.#rounds?.requested ?? false;
  }

  goAgain(): void {
    if (this.#rounds) this.#rounds.again = true;
  }

  warn(text: string): void {
    this.#call.warnings.push(text);
  }

  annotate(key: string, value: string): void {
    this.#call.request.record?.annotate(key, value);
  }
}

/**
 * All mutating admission, and the guard of the group. What it returns may be written into: plugins return copies, never
 * what others share. What a webhook or policy has changed goes through all of them a second time.
 */
export async function admit<T extends ObjectDraft | undefined>(
  context: RegistryContext,
  call: Call,
  operation: Operation,
  object: T,
  oldObject: KubernetesObject | undefined,
): Promise<T> {
  const { clock, guard } = context;
  const { gates, observe } = admitting(context, call.kind, operation);
  const guarded = guard !== undefined && guard.group === call.kind.names.group;
  if (gates.length === 0 && !guarded) return object;
  const asked = new Asked(context, call, operation, object, oldObject);
  const begun = clock.now();
  try {
    await admitOnce(gates, asked, clock);
    if (asked.wantsAgain) {
      asked.goAgain();
      await admitOnce(gates, asked, clock);
    }
  } catch (error) {
    observe((clock.now() - begun) / 1000, true);
    throw error;
  }
  observe((clock.now() - begun) / 1000, false);
  if (guarded) await guard.check(asked, call.request.name);
  // What came in was a draft, and plugins give back what may be written into.
  const admitted = asked.object as T;
  if (object && admitted && admitted !== object) keepReadableOwners(object, admitted, call);
  return admitted;
}

/** Owners that cannot be read any more are put back to what they were. */
function keepReadableOwners(before: ObjectDraft, after: ObjectDraft, { warnings }: Call): void {
  const { managedFields } = after.metadata;
  if (managedFields === undefined || managedFields === before.metadata.managedFields) return;
  const problem = managersProblem(managedFields as readonly ManagedFieldsEntry[]);
  if (problem === undefined) return;
  warnings.push(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
  );
  after.metadata = { ...after.metadata, managedFields: before.metadata.managedFields };
}

async function admitOnce(gates: readonly Gate<Admitting>[], asked: Asked, clock: Clock): Promise<void> {
  for (const gate of gates) {
    const outcome = measured(gate, asked, clock);
    const changed = outcome instanceof Promise ? await outcome : outcome;
    if (changed) asked.object = changed;
  }
}

/** Resolves to what plugins want of the write, which is to be made by `onTerms`. */
export async function validateAdmission(
  context: RegistryContext,
  call: Call,
  operation: Operation,
  object: KubernetesObject | undefined,
  oldObject: KubernetesObject | undefined,
): Promise<readonly WriteTerms[] | undefined> {
  const { gates, observe } = validating(context, call.kind, operation);
  if (gates.length === 0) return undefined;
  const { clock } = context;
  const asked = new Asked(context, call, operation, object, oldObject);
  const begun = clock.now();
  let terms: WriteTerms[] | undefined;
  try {
    for (const gate of gates) {
      const outcome = measured(gate, asked, clock);
      const wanted = outcome instanceof Promise ? await outcome : outcome;
      if (!wanted) continue;
      terms ??= [];
      terms.push(wanted);
    }
  } catch (error) {
    observe((clock.now() - begun) / 1000, true);
    if (terms) await endTerms(context, terms, 'failed');
    throw error;
  }
  observe((clock.now() - begun) / 1000, false);
  return terms;
}

/** What a plugin does at once takes no time that the clock could tell; only the others are looked at closely. */
function measured<T>(
  { run, observe }: Gate<(asked: Asked) => T | Promise<T>>,
  asked: Asked,
  clock: Clock,
): T | Promise<T> {
  let outcome: T | Promise<T>;
  try {
    outcome = run(asked);
  } catch (error) {
    observe(0, true);
    throw error;
  }
  if (!(outcome instanceof Promise)) {
    observe(0, false);
    return outcome;
  }
  const begun = clock.now();
  return outcome.then(
    (value) => {
      observe((clock.now() - begun) / 1000, false);
      return value;
    },
    (error: unknown) => {
      observe((clock.now() - begun) / 1000, true);
      throw error;
    },
  );
}
