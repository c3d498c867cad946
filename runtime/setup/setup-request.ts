// The file by which the owner's settings get from whoever asked for them to root, who puts them in force.
// Whoever writes it first is the owner: it appears whole, under a name that nobody had, or not at all.
import { existsSync } from 'node:fs';
import { openOutput } from '../../terminal/output-file.js';
import { type OwnerSettings, ownerSettingsText } from './owner-settings.js';

/** False where somebody was quicker. Rejects where it cannot be written. */
export async function leaveRequest(file: string, settings: OwnerSettings): Promise<boolean> {
  if (existsSync(file)) return false;
  const output = await openOutput(file, { inputs: [] });
  try {
    await output.handle.chmod(0o600);
    await output.handle.writeFile(ownerSettingsText(settings));
    await output.commit();
    return true;
  } catch (error) {
    if (existsSync(file)) return false;
    throw error;
  } finally {
    await output.discard();
  }
}
