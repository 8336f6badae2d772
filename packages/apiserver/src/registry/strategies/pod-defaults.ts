import {
  type Container,
  formatQuantity,
  type Pod,
  type PodSpec,
  type PodTemplateSpec,
  type Probe,
  type ResourceRequirements,
  type Volume,
} from '@keelson/core';
import { podLimits, podRequests } from '@keelson/core/admission';
import { hollowMember, noteHollow } from '../../schema/index.ts';
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

/** Takes out what is behind gates that are shut in v1.35 (KEP-4671, KEP-4960, KEP-3257, KEP-4317). */
export function dropGatedPodFields(spec: Draft<PodSpec>): void {
  delete spec.workloadRef;
  for (const container of [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ]) {
    const { lifecycle } = container;
    if (lifecycle?.stopSignal === undefined) continue;
    delete lifecycle.stopSignal;
    if (Object.keys(lifecycle).length === 0) delete container.lifecycle;
  }
  for (const { projected } of spec.volumes ?? []) {
    for (const source of projected?.sources ?? []) {
      if (source.clusterTrustBundle) delete source.clusterTrustBundle;
      if (source.podCertificate) delete source.podCertificate;
    }
  }
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
    } else if (container.resources && hollowMember(container.resources, 'limits') !== undefined) {
      if (!container.resources.requests) noteHollow(container.resources, 'requests', {});
    }
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
  }
  defaultWholePod(spec);
}

const isHuge = (name: string) => name.startsWith('hugepages-');

/** What a pod takes as a whole follows from its containers where only a part of it is said (KEP-2837). */
export function defaultWholePod(spec: Draft<PodSpec>): void {
  if (spec.resources) defaultWhole(spec, spec.resources);
}

function defaultWhole(
  { resources: _own, overhead: _over, ...rest }: Draft<PodSpec>,
  whole: Draft<ResourceRequirements>,
): void {
  const said = { ...whole.limits, ...whole.requests };
  if (Object.keys(said).length === 0) return;
  const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: '' }, spec: rest };
  const limits = { ...whole.limits };
  for (const [name, amount] of Object.entries(podLimits(pod)))
    if (isHuge(name) && whole.requests?.[name] === undefined) limits[name] ??= formatQuantity(amount);
  if (Object.keys(limits).length === 0) return;
  const requests = { ...whole.requests };
  const asked = podRequests(pod);
  for (const name of ['cpu', 'memory']) {
    const amount = asked[name];
    if (amount !== undefined) requests[name] ??= formatQuantity(amount);
  }
  whole.limits = limits;
  const ofPods = (name: string) => name === 'cpu' || name === 'memory' || isHuge(name);
  for (const [name, value] of Object.entries(limits)) if (ofPods(name)) requests[name] ??= value;
  if (whole.requests || Object.keys(requests).length > 0) whole.requests = requests;
}

const imageReference =
  /^(?:(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::([\w][\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/;

/** Whether the image is pulled each time: where its tag is `latest`, said or not. No image at all is not. */
function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const match = /^[0-9a-f]{64}$/.test(image) ? null : imageReference.exec(image);
  if (!match) return 'IfNotPresent';
  const [, tag, digest] = match;
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
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
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default';
  if (volume.rbd) {
    volume.rbd.pool ||= 'rbd';
    volume.rbd.user ||= 'admin';
    volume.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ??= 'ReadWrite';
    volume.azureDisk.kind ??= 'Shared';
    volume.azureDisk.fsType ??= 'ext4';
    volume.azureDisk.readOnly ??= false;
  }
  if (volume.scaleIO) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned';
    volume.scaleIO.fsType ||= 'xfs';
  }
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
}
