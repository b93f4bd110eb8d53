// Search runs in a worker, and browsers refuse workers to pages that are opened as files. There an invisible frame does its work:
// the same messages, the same script, no request beyond this folder.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.waiting = []
      document.body.appendChild(this.frame)
      const scope = this.frame.contentWindow
      const page = this.frame.contentDocument
      page.open()
      page.write("<!doctype html><html><body></body></html>")
      page.close()
      // A worker's global scope has one postMessage, to its owner, and importScripts.
      scope.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      scope.importScripts = (...urls) => urls.reduce(
        (before, url) => before.then(() => this.load(url)),
        Promise.resolve()
      )
      this.load(address).then(() => {
        this.ready = true
        this.waiting.splice(0).forEach(data => this.deliver(data))
      })
    }
    load(url) {
      return new Promise((resolve, reject) => {
        const script = this.frame.contentDocument.createElement("script")
        script.src = url
        script.onload = resolve
        script.onerror = reject
        this.frame.contentDocument.body.appendChild(script)
      })
    }
    deliver(data) {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }))
    }
    postMessage(data) {
      this.ready ? this.deliver(data) : this.waiting.push(data)
    }
    set onmessage(listener) {
      this.addEventListener("message", listener)
    }
    terminate() {
      this.frame.remove()
    }
  }
}
