import type { Container, EphemeralContainer, PodSpec } from '@keelson/core';

/** What is judged: a pod, or the template of one. */
export interface Subject {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

/** Why a pod is not of a level: `reason (detail)`. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type Judge = (subject: Subject) => Violation | undefined;

/** One control of the Pod Security Standards. */
export interface Check {
  /** Checks are told in the order of their ids, those of `baseline` first. */
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** Checks of `baseline` that need not be made where this one is. */
  readonly overrides?: readonly string[];
  /** By the minor version of Kubernetes from which on it holds, rising. */
  readonly versions: readonly (readonly [since: number, judge: Judge])[];
}

type AnyContainer = Container | EphemeralContainer;

/** Init containers, containers, ephemeral containers. */
export function containersOf({ spec }: Subject): readonly AnyContainer[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  if (initContainers.length === 0 && ephemeralContainers.length === 0) return containers;
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** The names of the containers that a condition holds for. */
export function namesWhere(subject: Subject, holds: (container: AnyContainer) => boolean): readonly string[] {
  return containersOf(subject)
    .filter(holds)
    .map(({ name }) => name);
}

export const isWindows = ({ spec }: Subject) => spec.os?.name === 'windows';

/** Root within is nobody outside (KEP-127). */
export const hasUserNamespace = ({ spec }: Subject) => spec.hostUsers === false;

export const quoted = (names: readonly string[]) => `"${names.join('", "')}"`;
export const plural = (count: number, one: string, many = `${one}s`) => (count === 1 ? one : many);
export const containersText = (names: readonly string[]) => `${plural(names.length, 'container')} ${quoted(names)}`;

/** `pod and containers "a", "b"`; `undefined` where it is neither. */
export function settersText(pod: boolean, names: readonly string[]): string | undefined {
  if (names.length === 0) return pod ? 'pod' : undefined;
  return `${pod ? 'pod and ' : ''}${containersText(names)}`;
}

/** Each once, in the order of their bytes. */
export const sortedSet = (values: Iterable<string>) => [...new Set(values)].sort();
