"""What ipywidgets and JupyterLab leave out for whoever works with the keyboard or with a screen reader.

A slider has no name, and says the number of the choice in place of the choice. And in a menu, a slider or a list of
radio buttons the keys ↑ and ↓ are JupyterLab's: they go to another cell.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets

# A slider's name is its label, else its tooltip. What its readout shows is said; it follows the handle, so it is
# watched. From an element with this attribute of Lumino's, JupyterLab's library of widgets, JupyterLab takes no keys.
SCRIPT = """
const box = this.closest('.widget-vbox');
for (const slider of box.querySelectorAll('.widget-slider')) {
  const handle = slider.querySelector('[role=slider]');
  const label = slider.querySelector('label');
  const readout = slider.querySelector('.widget-readout');
  const say = () => {
    const text = readout.textContent;
    if (readout.style.display !== 'none' && handle.getAttribute('aria-valuetext') !== text)
      handle.setAttribute('aria-valuetext', text);
  };
  handle.setAttribute('aria-label', label.textContent || label.title);
  const watched = {subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuetext']};
  new MutationObserver(say).observe(slider, watched);
  say();
}
for (const control of box.querySelectorAll('[role=slider], select, input'))
  control.setAttribute('data-lm-suppress-shortcuts', 'true');
this.remove();
"""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def aid() -> "ipywidgets.HTML":
    """An invisible widget that mends the controls of the `VBox` in which it stands.

    Where a page runs no such script (some editors), the same controls work as ipywidgets made them.
    """
    import ipywidgets

    script = " ".join(SCRIPT.split()).replace('"', "&quot;")
    return ipywidgets.HTML(f'<img alt="" src="{PIXEL}" onload="{script}" hidden>', layout={"display": "none"})
