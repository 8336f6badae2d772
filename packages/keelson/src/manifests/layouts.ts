import type { KubernetesObject } from '@keelson/core';
import { stringify } from 'yaml';
import { allManifests, type OperatorManifests } from './operator-manifests.ts';

/** Files by their path within a folder. */
export type Files = ReadonlyMap<string, string>;

/** Everything in one stream of documents, for `kubectl apply -f -`. */
export function plainYaml(manifests: OperatorManifests): string {
  return documents(allManifests(manifests));
}

/** A base for `kubectl apply -k`, with what others will want to change in files of its own. */
export function kustomizeFiles(manifests: OperatorManifests, name: string): Files {
  const { namespace, crds, rbac, workload } = manifests;
  const files = new Map([
    ['namespace.yaml', documents([namespace])],
    ...(crds.length > 0 ? [['crds.yaml', documents(crds)] as const] : []),
    ['rbac.yaml', documents(rbac)],
    ['operator.yaml', documents(workload)],
  ]);
  const [image, tag] = splitImage(imageOf(workload));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: namespace.metadata.name,
    resources: [...files.keys()],
    images: [{ name: image, newTag: tag }],
    labels: [{ pairs: { 'app.kubernetes.io/part-of': name } }],
  };
  return new Map([['kustomization.yaml', text(kustomization)], ...files]);
}

/** A chart; definitions stand in `crds/`, where Helm installs them first and never deletes them. */
export function helmFiles(manifests: OperatorManifests, name: string, version: string): Files {
  const { namespace, crds, rbac, workload } = manifests;
  const [repository, tag] = splitImage(imageOf(workload));
  const templated = (objects: readonly KubernetesObject[]) =>
    documents(objects.map((each) => inRelease(each, namespace.metadata.name)))
      .replaceAll(`image: ${imageOf(workload)}`, 'image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"')
      .replace(/replicas: \d+/, 'replicas: {{ .Values.replicas }}')
      .replaceAll(releaseNamespace, '{{ .Release.Namespace }}');
  return new Map([
    [
      'Chart.yaml',
      text({
        apiVersion: 'v2',
        name,
        description: `The ${name} operator`,
        type: 'application',
        version,
        appVersion: tag,
      }),
    ],
    ['values.yaml', text({ image: { repository, tag }, replicas: replicasOf(workload) })],
    ...(crds.length > 0 ? [['crds/crds.yaml', documents(crds)] as const] : []),
    ['templates/rbac.yaml', templated(rbac)],
    ['templates/operator.yaml', templated(workload)],
  ]);
}

/** Runs TypeScript as it is: Node 24 takes the types away by itself. */
export function dockerfile(entry: string): string {
  return `# syntax=docker/dockerfile:1
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /app /app
ENV NODE_ENV=production
ENTRYPOINT ["/nodejs/bin/node", "node_modules/@keelson/core/dist/run.js", "${entry}"]
`;
}

const releaseNamespace = 'RELEASE-NAMESPACE';

function inRelease(object: KubernetesObject, namespace: string): KubernetesObject {
  const rewritten: unknown = JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    key === 'namespace' && value === namespace ? releaseNamespace : value,
  );
  // Only texts were put in the place of texts.
  return rewritten as KubernetesObject;
}

function imageOf(workload: readonly KubernetesObject[]): string {
  const found = /"image":"([^"]+)"/.exec(JSON.stringify(workload))?.[1];
  if (found === undefined) throw new Error('the Deployment has no image');
  return found;
}

function replicasOf(workload: readonly KubernetesObject[]): number {
  return Number(/"replicas":(\d+)/.exec(JSON.stringify(workload))?.[1] ?? 1);
}

/** A port of the registry is no tag. */
function splitImage(image: string): readonly [name: string, tag: string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}

const documents = (objects: readonly KubernetesObject[]) => objects.map(text).join('---\n');

function text(value: object): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}
