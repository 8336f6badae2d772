import { createHash } from 'node:crypto';
import type { Container, EphemeralContainer, Pod } from '@keelson/core/api';

/** A pod in messages and events: `name_namespace(uid)`. */
export function formatPod(pod: { name: string; namespace?: string; uid?: string }): string {
  return `${pod.name}_${pod.namespace ?? ''}(${pod.uid ?? ''})`;
}

export function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? '';
}

export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** An init container that keeps running beside the others: a sidecar (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export type ContainerKind = 'container' | 'init' | 'ephemeral';

/** Every container of a pod with its kind, init containers first. */
export function allContainers(
  pod: Pod,
): readonly { readonly container: Container | EphemeralContainer; readonly kind: ContainerKind }[] {
  return [
    ...(pod.spec.initContainers ?? []).map((container) => ({ container, kind: 'init' as const })),
    ...pod.spec.containers.map((container) => ({ container, kind: 'container' as const })),
    ...(pod.spec.ephemeralContainers ?? []).map((container) => ({ container, kind: 'ephemeral' as const })),
  ];
}

export function findContainer(pod: Pod, name: string): Container | EphemeralContainer | undefined {
  return allContainers(pod).find((each) => each.container.name === name)?.container;
}

/** The event field path of a container, as kubectl prints it. */
export function fieldPathOf(pod: Pod, name: string): string {
  const kind = allContainers(pod).find((each) => each.container.name === name)?.kind;
  const list = kind === 'init' ? 'initContainers' : kind === 'ephemeral' ? 'ephemeralContainers' : 'containers';
  return `spec.${list}{${name}}`;
}

/** Changes when a running container no longer is what its spec says. Only name and image can change in a pod. */
export function containerHash(container: Pick<Container, 'name' | 'image'>): string {
  const text = JSON.stringify([container.name, container.image ?? '']);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

export function defaultedRestartPolicy(pod: Pod): 'Always' | 'OnFailure' | 'Never' {
  const policy = pod.spec.restartPolicy;
  return policy === 'Never' || policy === 'OnFailure' ? policy : 'Always';
}

/** Seconds that a pod has to end: what its deletion says, else its spec, else 30; never less than 1. */
export function gracePeriodOf(pod: Pod): number {
  const grace = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return Math.max(1, grace);
}
