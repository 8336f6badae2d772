import type { Versions } from './conversions.ts';
import { type FieldNode, type FieldSet, leaf, type MutableFieldSet } from './field-set.ts';
import { type Manager, type Managers, withFields } from './managers.ts';
import type { MergeType } from './merge-type.ts';
import { memberType } from './typed-shape.ts';

const known = new WeakMap<MergeType, WeakMap<FieldSet, FieldSet>>();

/**
 * The set as it is under a type that has changed since it was written: who owned fields of what is owned as a whole now
 * owns the whole (https://kubernetes.io/docs/reference/using-api/server-side-apply/#changes-to-topology). The other way
 * round nothing changes. The same set where all is as it was.
 */
export function reconciledFields(type: MergeType, fields: FieldSet): FieldSet {
  let ofType = known.get(type);
  if (!ofType) {
    ofType = new WeakMap();
    known.set(type, ofType);
  }
  let found = ofType.get(fields);
  if (!found) {
    found = reconcile(type, fields);
    ofType.set(fields, found);
  }
  return found;
}

function reconcile(type: MergeType, fields: FieldSet): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const [element, node] of fields) {
    const next = reconcileNode(typeOf(type, element), node);
    if (next === node) continue;
    result ??= new Map(fields);
    result.set(element, next);
  }
  return result ?? fields;
}

const typeOf = ({ map, list }: MergeType, element: string): MergeType | undefined =>
  element.startsWith('f:') ? map && memberType(map, element.slice(2)) : list?.item;

function reconcileNode(type: MergeType | undefined, node: FieldNode): FieldNode {
  const { children } = node;
  if (type === undefined || children === undefined || children.size === 0) return node;
  const [first = ''] = children.keys();
  const shape = first.startsWith('f:') ? type.map : type.list;
  if (shape === undefined || isUntyped(type, first)) return node;
  if (shape.atomic) return leaf;
  const below = reconcile(type, children);
  return below === children ? node : { member: node.member, children: below };
}

/** Members that no schema tells of are not looked at. */
const isUntyped = ({ map, scalar }: MergeType, element: string) =>
  element.startsWith('f:') && scalar === 'untyped' && map?.fields.size === 0;

/** All managers, each by the type of its version; those of versions that are gone stay for others to forget. */
export function reconciledManagers(versions: Versions, managers: Managers): Managers {
  let result: Map<string, Manager> | undefined;
  for (const [identity, manager] of managers) {
    const version = versions.find(manager.apiVersion);
    if (!version) continue;
    const next = withFields(manager, reconciledFields(version.type, manager.fields));
    if (next === manager) continue;
    result ??= new Map(managers);
    result.set(identity, next);
  }
  return result ?? managers;
}
