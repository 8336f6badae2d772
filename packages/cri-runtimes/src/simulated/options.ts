import { z } from 'zod';

const milliseconds = z.number().min(0);
const rate = z.number().min(0).max(1);

const behaviour = {
  /** Milliseconds between startContainer and running. */
  startDelayMs: milliseconds.optional(),
  /** Milliseconds between stopContainer and exited. */
  stopDelayMs: milliseconds.optional(),
  /** The container exits by itself after this long; without, it runs until it is stopped. */
  exitAfterMs: milliseconds.optional(),
  /** The exit code of a container that exits by itself. */
  exitCode: z.number().int().min(0).max(255).optional(),
  /** The pull fails with this message. */
  pullError: z.string().min(1).optional(),
  /** startContainer fails with this message. */
  startError: z.string().min(1).optional(),
};

/** `runtime.simulated` of `keelson.yaml`. */
export const simulatedOptionsSchema = z
  .strictObject({
    startDelayMs: milliseconds.default(0),
    stopDelayMs: milliseconds.default(0),
    pullDelayMs: milliseconds.default(0),
    sandboxDelayMs: milliseconds.default(0),
    /** What a stopped container reports. */
    stopExitCode: z.number().int().min(0).max(255).default(0),
    /** The share of calls that fail, from 0 to 1, drawn from the seeded random. */
    failureRates: z
      .strictObject({
        runPodSandbox: rate.default(0),
        pullImage: rate.default(0),
        createContainer: rate.default(0),
        startContainer: rate.default(0),
        /** The share of containers that crash with exit code 1. */
        crash: rate.default(0),
      })
      .default({ runPodSandbox: 0, pullImage: 0, createContainer: 0, startContainer: 0, crash: 0 }),
    /** When the containers of `failureRates.crash` crash, after their start. */
    crashAfterMs: milliseconds.default(1000),
    /**
     * By image, by the labels of the pod and by the command line (command and arguments with a space between each), `*`
     * matching anything; the first rule that matches counts, and those of `images` only where none does.
     */
    containers: z
      .array(
        z.strictObject({
          image: z.string().min(1).optional(),
          labels: z.record(z.string(), z.string()).default({}),
          command: z.string().min(1).optional(),
          ...behaviour,
        }),
      )
      .default([]),
    /** By image reference, `*` matching anything; the first rule that matches counts. */
    images: z.array(z.strictObject({ match: z.string().min(1), ...behaviour })).default([]),
    /** What execSync answers. */
    exec: z
      .strictObject({
        stdout: z.string().default(''),
        stderr: z.string().default(''),
        exitCode: z.number().int().min(0).max(255).default(0),
      })
      .default({ stdout: '', stderr: '', exitCode: 0 }),
    /** Writes a line at start into the log that the kubelet names. */
    logs: z.boolean().default(true),
  })
  .prefault({});

/** Options of the runtime that only pretends to run containers. */
export type SimulatedOptions = z.infer<typeof simulatedOptionsSchema>;
