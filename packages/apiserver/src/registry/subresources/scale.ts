import { formatLabelSelector, type KubernetesObject, type LabelSelector, StatusError } from '@keelson/core';
import { decodeAs } from '../../schema/index.ts';
import { admit, type Call, validateAdmission } from '../admission-chain.ts';
import { applyConfiguration } from '../apply-object.ts';
import { inOrder } from '../builtin-kinds.ts';
import type { RegistryContext } from '../context.ts';
import { decodeBody } from '../decode-body.ts';
import { decodePatched } from '../decode-patched.ts';
import { asJson, draftJson, isObject, type Json, type ObjectDraft } from '../draft.ts';
import { type Kind, keyIn, type ScalePaths, shownKey } from '../kind.ts';
import { versionsOf } from '../ownership/conversions.ts';
import { type Manager, type Managers, readManagers, writeManagers } from '../ownership/managers.ts';
import { recordOwners, setManagedFields } from '../ownership/record-owners.ts';
import { fromScaleOwners, toScaleOwners } from '../ownership/scale-owners.ts';
import { applyPatch } from '../patch-object.ts';
import { getObject } from '../read-objects.ts';
import { encodeObject } from '../stored-object.ts';
import { checkVersion, updateObject } from '../update-object.ts';
import type { SubresourceHandler } from './contract.ts';

interface Scale extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas: number; readonly selector?: string };
}

const definition = 'io.k8s.api.autoscaling.v1.Scale';

/** `autoscaling/v1` Scale: the replicas of whatever has replicas. */
export function scaleHandler(paths: ScalePaths): SubresourceHandler {
  return async (context, call) => {
    const { kind, request } = call;
    const show = (object: KubernetesObject) => encodeObject(scaleOf(kind.view(object), paths));
    if (request.verb === 'get') {
      const { object } = await getObject(context, call);
      checkPresent(kind, object, paths);
      return { value: show(object), code: 200 };
    }
    const ofScale: Call = { ...call, kind: scaleKind(kind) };
    let before: Scale | undefined;
    const value = await updateObject(
      context,
      call,
      async (current) => {
        const versions = versionsOf(context.catalog, kind);
        const owners = readManagers(current.object.metadata.managedFields) ?? new Map<string, Manager>();
        const old = withOwners(scaleOf(kind.view(current.object), paths), toScaleOwners(versions, owners));
        before = scaleOf(kind.view(current.object), paths);
        const asked = wantedScale(context, ofScale, old);
        if (!request.patchType)
          request.record?.sentObject({ ...asked, metadata: { ...asked.metadata, managedFields: undefined } });
        checkIdentity(call, asScale(asked), old);
        if (old.metadata.namespace !== undefined) asked.metadata.namespace ??= old.metadata.namespace;
        const wanted = asScale(await admit(context, ofScale, 'UPDATE', asked, old));
        checkVersion(kind, wanted.metadata.resourceVersion, old);
        const draft = withReplicas(call, current.object, paths, wanted.spec?.replicas ?? 0);
        const after = readManagers(wanted.metadata.managedFields) ?? new Map<string, Manager>();
        setManagedFields(draft, writeManagers(fromScaleOwners(versions, owners, after)));
        return draft;
      },
      {
        retry: true,
        owners: 'given',
        admitted: (draft) => validateAdmission(context, ofScale, 'UPDATE', scaleOf(kind.view(draft), paths), before),
      },
    );
    return { value: show(value.object), code: 200 };
  };
}

/** What a type of somebody's own has no number of replicas in has no scale to be read. */
function checkPresent({ served }: Kind, object: KubernetesObject, { specReplicas }: ScalePaths): void {
  if (!served.custom) return;
  let value: unknown = object;
  for (const name of specReplicas) value = isObject(value) ? value[name] : undefined;
  if (value !== undefined) return;
  throw StatusError.internal(`the spec replicas field ${JSON.stringify(`.${specReplicas.join('.')}`)} does not exist`);
}

/** A Scale that is written must be that of the object on the URL. */
function checkIdentity(call: Call, { metadata }: Scale, before: Scale): void {
  const { kind, request } = call;
  const { name = '', namespace } = before.metadata;
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  if (!metadata.name) {
    throw StatusError.badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (metadata.name && metadata.name !== name) {
    throw StatusError.badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  if (metadata.uid && metadata.uid !== before.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${before.metadata.uid}`;
    // A patch finds it out by itself; what was sent whole is found out by the store.
    if (request.verb === 'patch') {
      throw StatusError.conflict({ ...kind.names, resource: `${kind.names.resource}/scale` }, name, why);
    }
    throw StatusError.conflict(
      kind.names,
      name,
      `StorageError: invalid object, Code: 4, Key: ${shownKey(call, keyIn(kind, namespace, name))}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
    );
  }
}

/** The Scale that the request wants, with its owners. */
function wantedScale(context: RegistryContext, ofScale: Call, before: Scale): ObjectDraft {
  const { request, warnings } = ofScale;
  if (request.patchType === 'application/apply-patch+yaml') {
    return applyConfiguration(context, ofScale, asJson(before), before);
  }
  const draft =
    request.verb === 'patch'
      ? decodePatched(ofScale, applyPatch(ofScale.kind, request, before), before)
      : decodeBody(ofScale.kind, request.body, request, (text) => {
          // What is tried again says nothing new.
          if (!warnings.includes(text)) warnings.push(text);
        });
  recordOwners(context, ofScale, draft, before);
  return draft;
}

/** What has been decoded by the schema of a Scale. */
const asScale = (draft: ObjectDraft) => draft as Scale;

function withOwners(scale: Scale, owners: Managers): Scale {
  const entries = writeManagers(owners);
  return entries === undefined ? scale : { ...scale, metadata: { ...scale.metadata, managedFields: entries } };
}

const scaleKinds = new WeakMap<Kind, Kind>();

/** A kind's Scale as if it were a kind: patches and ownership follow its own schema. */
function scaleKind(kind: Kind): Kind {
  let made = scaleKinds.get(kind);
  if (!made) {
    const { stored: _stored, ...rest } = kind;
    made = {
      ...rest,
      apiVersion: 'autoscaling/v1',
      served: { ...kind.served, group: 'autoscaling', version: 'v1', kind: 'Scale', definition, custom: false },
      // Its decoder is that of the schema, whose objects have metadata.
      decode(body) {
        const unknown: string[] = [];
        const object = decodeAs(definition, body, { unknown }) as ObjectDraft;
        return { object: inOrder(object, 'Scale', 'autoscaling/v1'), unknown };
      },
      view: (object) => object,
    };
    scaleKinds.set(kind, made);
  }
  return made;
}

function valueAt(object: Readonly<Json>, path: readonly string[] | undefined): unknown {
  let at: unknown = object;
  for (const name of path ?? []) at = isObject(at) ? at[name] : undefined;
  return path === undefined ? undefined : at;
}

function scaleOf(object: KubernetesObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(asJson(object), paths.specReplicas);
  const actual = valueAt(asJson(object), paths.statusReplicas);
  const selector = valueAt(asJson(object), paths.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { ...(typeof replicas === 'number' && replicas !== 0 && { replicas }) },
    status: {
      replicas: typeof actual === 'number' ? actual : 0,
      ...(selector !== undefined && { selector: selectorText(selector) }),
    },
  };
}

/** ReplicationControllers have a map of labels, the others a LabelSelector, custom resources a text. */
function selectorText(selector: unknown): string {
  if (typeof selector === 'string' || !isObject(selector)) return String(selector);
  const isMap = Object.values(selector).every((each) => typeof each === 'string');
  return formatLabelSelector((isMap ? { matchLabels: selector } : selector) as LabelSelector);
}

/** A fresh copy: the pipeline writes into what it is given. What a client did not send gets no defaults of its type. */
function copyOf(kind: Kind, object: KubernetesObject): ObjectDraft {
  const shown = kind.view(object);
  return kind.stored ? (structuredClone(shown) as ObjectDraft) : kind.decode({ ...asJson(shown) }).object;
}

function withReplicas(call: Call, object: KubernetesObject, paths: ScalePaths, replicas: number): ObjectDraft {
  if (replicas < 0) {
    throw StatusError.invalid({ group: 'autoscaling', resource: 'Scale' }, object.metadata.name, [
      {
        type: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
      },
    ]);
  }
  const draft = copyOf(call.kind, object);
  let at: Json = draftJson(draft);
  for (const name of paths.specReplicas.slice(0, -1)) {
    const next = at[name];
    if (isObject(next)) at = next;
    else {
      const made: Json = {};
      at[name] = made;
      at = made;
    }
  }
  at[paths.specReplicas.at(-1) ?? 'replicas'] = replicas;
  return draft;
}
