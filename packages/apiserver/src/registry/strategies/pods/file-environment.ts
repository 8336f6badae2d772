import type { PodSpec } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';

/** Variables out of files (KEP-3721): the volume is there and an emptyDir. */
export function validateEnvironmentVolumes(spec: PodSpec, at: string, errors: FieldErrors): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach(({ env }, index) => {
      env?.forEach(({ valueFrom }, number) => {
        const name = valueFrom?.fileKeyRef?.volumeName;
        if (name === undefined) return;
        const field = `${at}.${list}[${index}].env[${number}].valueFrom.fileKeyRef.volumeName`;
        const volume = spec.volumes?.find((each) => each.name === name);
        if (!volume) errors.notFound(field, name);
        else if (!volume.emptyDir) errors.invalid(field, name, 'referenced volume must be of type emptyDir');
      });
    });
  }
}
