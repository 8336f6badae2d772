import { Ingress, IngressClass } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { youngest } from './youngest.ts';

/** An Ingress that names no class gets the default one; of several, the youngest. */
export function defaultIngressClass({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    resources: [Ingress],
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const ingress = objectAs(attributes, Ingress);
      if (!ingress || ingress.spec.ingressClassName !== undefined) return undefined;
      if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return undefined;
      const classes = (await reader.list(IngressClass)).filter(
        ({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
      );
      const chosen = youngest(classes);
      if (!chosen) return undefined;
      return { ...ingress, spec: { ...ingress.spec, ingressClassName: chosen.metadata.name } };
    },
  };
}
