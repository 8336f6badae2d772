import type { Container, PodSpec, PodTemplateSpec, Probe, Volume } from '@keelson/core';
import type { Draft } from '../draft.ts';

type AnyContainer = Pick<
  Draft<Container>,
  | 'image'
  | 'imagePullPolicy'
  | 'terminationMessagePath'
  | 'terminationMessagePolicy'
  | 'resources'
  | 'ports'
  | 'env'
  | 'livenessProbe'
  | 'readinessProbe'
  | 'startupProbe'
  | 'lifecycle'
>;

/** Defaults of every pod spec, in a Pod as in a template. */
export function defaultPodSpec(spec: Draft<PodSpec>): void {
  spec.restartPolicy ||= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.securityContext ??= {};
  spec.schedulerName ||= 'default-scheduler';
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const each of spec.containers ?? []) defaultContainer(each);
  for (const each of spec.initContainers ?? []) defaultContainer(each);
  for (const each of spec.ephemeralContainers ?? []) defaultContainer(each);
  for (const each of spec.volumes ?? []) defaultVolume(each);
}

export function defaultTemplate(template: Draft<PodTemplateSpec> | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec);
}

/** What only a Pod gets, and no template. */
export function defaultPod(spec: Draft<PodSpec>): void {
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const { limits } = container.resources ?? {};
    if (limits) {
      const requests = { ...container.resources?.requests };
      for (const [name, value] of Object.entries(limits)) requests[name] ??= value;
      container.resources = { ...container.resources, requests };
    }
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
  }
  const total = spec.resources;
  if (total?.limits) total.requests = { ...total.limits, ...total.requests };
}

/** Whether the image stays what it is: a digest, or a tag other than `latest`. */
function isPinned(image: string): boolean {
  if (image.includes('@')) return true;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag !== undefined && tag !== 'latest';
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= isPinned(container.image ?? '') ? 'IfNotPresent' : 'Always';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
  }
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

function defaultProbe(probe: Draft<Probe> | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHandler(probe);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultHandler(handler: Pick<Draft<Probe>, 'httpGet'> | undefined): void {
  const http = handler?.httpGet;
  if (!http) return;
  http.path ||= '/';
  http.scheme ||= 'HTTP';
}

const sources = (volume: Draft<Volume>) => Object.keys(volume).filter((each) => each !== 'name');

function defaultVolume(volume: Draft<Volume>): void {
  if (sources(volume).length === 0) volume.emptyDir = {};
  if (volume.configMap) volume.configMap.defaultMode ??= 0o644;
  if (volume.secret) volume.secret.defaultMode ??= 0o644;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= 0o644;
    for (const { fieldRef, resourceFieldRef } of volume.downwardAPI.items ?? []) {
      if (fieldRef) fieldRef.apiVersion ||= 'v1';
      if (resourceFieldRef) resourceFieldRef.divisor ??= '0';
    }
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= 0o644;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      for (const { fieldRef, resourceFieldRef } of source.downwardAPI?.items ?? []) {
        if (fieldRef) fieldRef.apiVersion ||= 'v1';
        if (resourceFieldRef) resourceFieldRef.divisor ??= '0';
      }
    }
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim) claim.volumeMode ??= 'Filesystem';
  if (volume.iscsi) volume.iscsi.iscsiInterface ??= 'default';
}
