// A browser of one WebKitGTK window per tab that keeps what is stored: run by gjs, not by Node, and only ever by
// WebKitWebDriver. Debian's MiniBrowser, when it is automated, forgets all with its end, so that nothing could be
// reopened. Its argument is the folder of the profile. Does nothing but what WebDriver asks for.

// @ts-expect-error resolved by gjs
import GLib from 'gi://GLib'
// @ts-expect-error resolved by gjs
import Gtk from 'gi://Gtk?version=3.0'
// @ts-expect-error resolved by gjs
import WebKit from 'gi://WebKit2?version=4.1'
// @ts-expect-error resolved by gjs
import { programArgs } from 'system'

const [profile] = programArgs
Gtk.init(null)
const loop = new GLib.MainLoop(null, false)
const context = new WebKit.WebContext({
  website_data_manager: new WebKit.WebsiteDataManager({
    base_data_directory: `${profile}/data`,
    base_cache_directory: `${profile}/cache`,
  }),
})
context.set_automation_allowed(true)
context.connect('automation-started', (/** @type {any} */ _, /** @type {any} */ session) => {
  const version = [
    WebKit.get_major_version(),
    WebKit.get_minor_version(),
    WebKit.get_micro_version(),
  ]
  const info = new WebKit.ApplicationInfo()
  info.set_name('WebKitGTK')
  info.set_version(...version)
  session.set_application_info(info)
  session.connect('create-web-view', createView)
})

let windows = 0

// Windows, not tabs: every one of them counts as visible.
function createView() {
  const view = new WebKit.WebView({ web_context: context, is_controlled_by_automation: true })
  const window = new Gtk.Window({ default_width: 640, default_height: 480 })
  window.add(view)
  view.connect('close', () => window.destroy())
  window.connect('destroy', () => {
    windows--
    if (windows === 0) loop.quit()
  })
  windows++
  window.show_all()
  return view
}

loop.run()
