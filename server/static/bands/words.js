// What a person reads, one sentence for each thing that can go wrong. Keys: kinds of Trouble, and of Uplink and Recording.
import { _ } from "../words.js";

export const sentences = {
  unsupported: _("This browser cannot talk to a band. On Android or a computer, Chrome and Edge can; on an iPhone or in Firefox, start “hiprep live” on a computer instead."),
  adapter_off: _("Bluetooth is switched off here, or there is none. Switch it on and try again."),
  none_chosen: _("No band was chosen. Switch the band on, hold it close, and try again."),
  refused: _("This page may not use Bluetooth. Allow it in the browser's settings for this site, and try again."),
  wrong_model: _("This device is not a band that hiprep knows. Choose another one."),
  other_band: _("This is another band than the one this session began with. Choose the same one."),
  declined: _("The band does not do what it was asked. Switch it off and on, and try again."),
  changed: _("The band measures in another way than before. Switch it off and on, and begin a new session."),
  unreadable: _("The band sends something that cannot be read. Switch it off and on, and try again."),
  mtu: _("This device's Bluetooth takes only short messages, which cut the band's off. Use another phone or computer."),
  away: _("The band does not answer. Is it on and close? This page keeps trying."),
  asleep: _("The band has gone quiet. Move it; this page connects again by itself."),
  early: _("The band was already sending; what counts begins now."),
  other_tab: _("Another tab is already recording. Go on there, or close it."),
  nobody: _("Log in once on this device, so that the session can be kept for you."),
  offline: _("There is no network. The session goes on; everything is kept here and sent later."),
  logged_out: _("You are logged out. The session goes on; log in again to send it."),
  other_person: _("Somebody else is logged in on this device. This session is sent when you log in again."),
  consent: _("What is measured may only be kept when you agree to it. Read and agree on the page Consent."),
  declined_by_server: _("The server does not take this session. It is kept here; tell your physiotherapist."),
  closed: _("This session has been ended elsewhere, and takes no more."),
  full: _("This device's storage is full. Free some space: what comes now waits in memory and is lost with this page."),
  disk: _("This device cannot store what is measured. What comes now waits in memory and is lost with this page."),
};
