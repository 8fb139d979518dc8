/** Stryker's plugins of this project, as Stryker looks for them in a file. */
import { ignoreTexts } from "./ignore-texts.ts";
import { mochaRunner } from "./mocha-runner.ts";

export const strykerPlugins = [mochaRunner, ignoreTexts];
