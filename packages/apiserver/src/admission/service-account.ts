import {
  type Container,
  Pod,
  type PodSpec,
  randomSuffix,
  ServiceAccount,
  StatusError,
  type Volume,
} from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { isMirrorPod } from '../authorization/node/pod-references.ts';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';
import { ephemeralSecretProblem, limitsSecrets, mirrorPodProblem, secretProblem } from './secret-references.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Gives every pod an account, and that account's token where it will look for it. */
export function serviceAccount({ reader, random }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    resources: [Pod],
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const pod = objectAs(attributes, Pod);
      if (!pod) return undefined;
      if (isMirrorPod(pod)) {
        const problem = mirrorPodProblem(pod);
        if (problem !== undefined) throw refuse(attributes, problem);
        return undefined;
      }
      const namespace = attributes.namespace ?? '';
      const name = pod.spec.serviceAccountName || 'default';
      const account = await reader.get(ServiceAccount, name, namespace);
      if (!account) {
        const missing = `serviceaccount ${JSON.stringify(name)} not found`;
        throw refuse(attributes, `error looking up service account ${namespace}/${name}: ${missing}`);
      }
      let spec: PodSpec = { ...pod.spec, serviceAccountName: name, serviceAccount: name };
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        spec = mountToken(spec, `kube-api-access-${randomSuffix(random, 5)}`);
      }
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec = { ...spec, imagePullSecrets: account.imagePullSecrets.map((each) => ({ ...each })) };
      }
      const complete = { ...pod, spec };
      const problem = limitsSecrets(account) ? secretProblem(complete, account) : undefined;
      if (problem !== undefined) throw refuse(attributes, problem);
      return complete;
    },
    async validate({ operation, group, resource, subresource, namespace, object }) {
      if (operation !== 'UPDATE' || subresource !== 'ephemeralcontainers' || group !== '' || resource !== 'pods')
        return;
      // The resource is pods: the registry has decoded it as one.
      const pod = object as Pod;
      const account = await reader.get(ServiceAccount, pod.spec.serviceAccountName || 'default', namespace);
      const problem = account && limitsSecrets(account) ? ephemeralSecretProblem(pod, account) : undefined;
      // Kubernetes takes it for a mistake of its own.
      if (problem !== undefined) throw StatusError.of(500, '', problem, {});
    },
  };
}

function mountToken(spec: PodSpec, fresh: string): PodSpec {
  const existing = spec.volumes?.find((each) => each.name.startsWith('kube-api-access-'))?.name;
  const name = existing ?? fresh;
  let needed = false;
  const mount = (container: Container): Container => {
    if (container.volumeMounts?.some((each) => each.mountPath === mountPath)) return container;
    needed = true;
    return { ...container, volumeMounts: [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }] };
  };
  const containers = spec.containers?.map(mount);
  const initContainers = spec.initContainers?.map(mount);
  if (!needed) return spec;
  return {
    ...spec,
    containers,
    ...(initContainers && { initContainers }),
    volumes: [...(spec.volumes ?? []), ...(existing === undefined ? [tokenVolume(name)] : [])],
  };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}
